package cookbook

import (
	"context"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/loader"
)

// A Token is what an identity provider issues.
type Token struct {
	Access  string
	Expires time.Time
}

// AccessToken returns a token for a scope that is valid for at least another half minute.
func AccessToken(ctx context.Context, tokens *cache.Cache[string, string], scope string, issue func(ctx context.Context, scope string) (Token, error)) (string, error) {
	return tokens.GetOrSetEntry(ctx, scope, func(ctx context.Context, scope string) (loader.Entry[string], error) {
		t, err := issue(ctx, scope)
		left := time.Until(t.Expires) - 30*time.Second
		return loader.Entry[string]{Value: t.Access, TTL: left, NoStore: left <= 0}, err
	})
}
