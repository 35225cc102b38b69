package testcache

import (
	"context"
	"errors"
	"testing"

	"github.com/asidecache/aside/loader"
)

// Value is a loader of v that counts its runs.
func Value[V any](v V, runs *int) loader.Func[string, V] {
	return func(context.Context, string) (V, error) {
		*runs++
		return v, nil
	}
}

// Never is a loader that must not run.
func Never[V any](t testing.TB) loader.Func[string, V] {
	return func(_ context.Context, key string) (v V, err error) {
		t.Errorf("a load of %q began", key)
		return v, errors.New("a load that must not be")
	}
}

// Failing is a loader that returns err.
func Failing[V any](err error) loader.Func[string, V] {
	return func(context.Context, string) (v V, _ error) { return v, err }
}
