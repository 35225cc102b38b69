package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// An error of several keys says of which call and cache, and how many keys there were.
func TestBatchErrorNamesTheCall(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{Name: "user", OnRedisError: cache.Fail})
		keys := []string{"a", "b", "c", "a"}
		_, failed := c.GetOrSetMany(t.Context(), keys, func(context.Context, []string) (map[string]string, error) {
			return map[string]string{"a": "v", "c": "v"}, &cache.BatchError[string]{Errs: map[string]error{"b": errors.New("no row")}}
		})
		env.Mini.SetError("ERR broken")
		_, read := c.GetMany(t.Context(), keys)
		for want, err := range map[string]error{
			"aside: GetOrSetMany user: 1 of 3 keys failed: key b: no row": failed,
			"aside: GetMany user: 3 of 3 keys failed: key a: ":            read,
			"aside: SetMany user: 2 of 2 keys failed: key a: ":            c.SetMany(t.Context(), map[string]string{"a": "v", "b": "v"}),
			"aside: Delete user: 3 of 3 keys failed: key a: ":             c.Delete(t.Context(), keys...),
		} {
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v, want %s", err, want)
			}
		}
	})
}
