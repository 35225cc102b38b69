package cache_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// A refusal is a state of a real server in which nothing can be stored.
type refusal struct {
	name  string
	lease time.Duration
	args  []string                                                   // of the server
	begin func(ctx context.Context, rdb redis.UniversalClient) error // nil: args say all
	want  cache.WriteOutcome
}

func noMemory(ctx context.Context, rdb redis.UniversalClient) error {
	return rdb.ConfigSet(ctx, "maxmemory", "1").Err()
}

func forbids(commands ...string) func(ctx context.Context, rdb redis.UniversalClient) error {
	return func(ctx context.Context, rdb redis.UniversalClient) error {
		return rdb.Do(ctx, append([]any{"acl", "setuser", "default"}, anys(commands)...)...).Err()
	}
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}

var (
	noStores   = []string{"-set", "-hset", "-rpush"}
	noScripts  = []string{"--rename-command", "EVALSHA", "", "--rename-command", "EVAL", ""}
	noEviction = []string{"--maxmemory-policy", "noeviction"}
)

// Every state of a real server in which nothing can be stored has an outcome, an event and
// a count of its own, for each key. Callers have their values, and Error hears once.
func TestRefusalsByServers(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, r := range []refusal{
			{"full memory", 0, noEviction, noMemory, cache.WriteOutOfMemory},
			{"full memory without leases", cache.Off, noEviction, noMemory, cache.WriteOutOfMemory},
			{"an ACL against stores", 0, nil, forbids(noStores...), cache.WriteNoPermission},
			{"an ACL against stores, without leases", cache.Off, nil, forbids(noStores...), cache.WriteNoPermission},
		} {
			t.Run(server.String()+"/"+r.name, func(t *testing.T) {
				t.Parallel()
				rdb := server.Start(t, redistest.Standalone, r.args...).Client(t)
				if r.begin != nil {
					if err := r.begin(t.Context(), rdb); err != nil {
						t.Fatal(err)
					}
				}
				t.Run("strings", func(t *testing.T) { wantRefused(t, rdb, r, codec.Text[string](), "v") })
				t.Run("hashes", func(t *testing.T) { wantRefused(t, rdb, r, persons, person{Name: "Ada"}) })
				t.Run("lists", func(t *testing.T) { wantRefused(t, rdb, r, codec.List(codec.Text[string]()), []string{"v"}) })
				t.Run("large", func(t *testing.T) { wantRefused(t, rdb, r, codec.Text[string](), strings.Repeat("v", 5000)) })
			})
		}
	}
}

func wantRefused[V any](t *testing.T, rdb redis.UniversalClient, r refusal, kind codec.Codec[V], v V) {
	t.Helper()
	var heard recorder
	c := open(t, rdb, cache.Config[string, V]{Codec: kind, Lease: r.lease, Observer: heard.observer()})
	for _, key := range []string{"a", "b", "c"} {
		got, err := c.GetOrSet(t.Context(), key, func(context.Context, string) (V, error) { return v, nil })
		want(t, "GetOrSet", got, err, v)
	}
	all, err := c.GetOrSetMany(t.Context(), []string{"d", "e"}, func(_ context.Context, keys []string) (map[string]V, error) {
		return map[string]V{"d": v, "e": v}, nil
	})
	want(t, "GetOrSetMany", all, err, map[string]V{"d": v, "e": v})
	_, err = c.GetOrSet(t.Context(), "f", failing[V](cache.ErrNotFound))
	wantError(t, "what does not exist", *new(V), err, cache.ErrNotFound)
	e := heard.take()
	if len(e.writes) != 6 {
		t.Errorf("%d write events, want one for each of the 6 keys", len(e.writes))
	}
	for _, w := range e.writes {
		if w.Outcome != r.want || w.Fenced {
			t.Errorf("%s %s: %v, %.200v", w.Op, w.Key, w.Outcome, w.Err)
		}
	}
	if len(e.errors) != 1 {
		t.Errorf("Error heard %d times, of %.300v, want once", len(e.errors), e.errors)
	}
	s := c.Stats()
	got := map[cache.WriteOutcome]uint64{
		cache.WriteOutOfMemory: s.OutOfMemory, cache.WriteNoPermission: s.NoPermission, cache.WriteNoScripts: s.NoScripts,
	}[r.want]
	if got != 6 || s.NotStored() != 6 || s.Loaded != 6 || s.Stores != 0 {
		t.Errorf("Stats = %+v, want 6 of %v and nothing else", s, r.want)
	}
}
