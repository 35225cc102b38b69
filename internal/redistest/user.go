package redistest

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
)

// NewUser returns a client of a user that may do what the rules say, in the words of ACL
// SETUSER; on no more than some real server, as miniredis has no users but by name. The rules of
// a user that there is already are added to.
func (e *Env) NewUser(
	t testing.TB, name string, rules []string, change ...func(*redis.UniversalOptions),
) redis.UniversalClient {
	t.Helper()
	e.Permit(t, name, append([]string{"on", "nopass"}, rules...)...)
	login := func(o *redis.UniversalOptions) { o.Username, o.Password = name, "x" }
	return e.NewClient(t, append(change, login)...)
}

// Permit changes what a user may do, on all masters.
func (e *Env) Permit(t testing.TB, name string, rules ...string) {
	t.Helper()
	args := []any{"acl", "setuser", name}
	for _, rule := range rules {
		args = append(args, rule)
	}
	e.forEachMaster(t, func(ctx context.Context, c *redis.Client) error { return c.Do(ctx, args...).Err() })
}
