package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// limits are what a server may refuse, and a cache does without.
var limits = []struct {
	name  string
	args  []string // of the server
	rules []string // of the default user
	says  string   // the error
	marks bool     // what the source does not have is remembered
}{
	{"an ACL against scripts", nil, []string{"-@scripting"}, "scripts are refused", true},
	{"no scripts", noScripts, nil, "scripts are refused", true},
	{"an ACL against control keys", nil, []string{"resetkeys", "~test*"}, "ControlPrefix", false},
	{"an ACL against both", nil, []string{"resetkeys", "~test*", "-@scripting"}, "refused", false},
}

// Where scripts or control keys are refused a cache works without leases, says so once, and
// has leases again when they are permitted.
func TestLimitedServers(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		for _, l := range limits {
			t.Run(server.String()+"/"+l.name, func(t *testing.T) {
				t.Parallel()
				rdb := server.Start(t, redistest.Standalone, l.args...).Client(t)
				if l.rules != nil {
					if err := forbids(l.rules...)(t.Context(), rdb); err != nil {
						t.Fatal(err)
					}
				}
				t.Run("strings", func(t *testing.T) { limited(t, rdb, l.says, l.marks, codec.Text[string](), "v", "w") })
				t.Run("hashes", func(t *testing.T) {
					limited(t, rdb, l.says, l.marks, persons, person{Name: "Ada"}, person{Name: "Bob"})
				})
				t.Run("lists", func(t *testing.T) {
					limited(t, rdb, l.says, l.marks, codec.List(codec.Text[string]()), []string{"v"}, []string{"w"})
				})
				t.Run("large", func(t *testing.T) {
					limited(t, rdb, l.says, l.marks, codec.Text[string](), strings.Repeat("v", 5000), strings.Repeat("w", 5000))
				})
			})
		}
	}
}

func limited[V any](t *testing.T, rdb redis.UniversalClient, says string, marks bool, kind codec.Codec[V], v, w V) {
	t.Helper()
	ctx := t.Context()
	if err := rdb.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	var heard recorder
	c := open(t, rdb, cache.Config[string, V]{Codec: kind, Observer: heard.observer()})
	load := func(context.Context, string) (V, error) { return v, nil }
	for _, key := range []string{"a", "b", "c"} {
		got, err := c.GetOrSet(ctx, key, load)
		want(t, "GetOrSet", got, err, v)
		wantGet(t, c, key, &v)
	}
	loadAll := func(_ context.Context, keys []string) (map[string]V, error) {
		return map[string]V{"d": v, "e": v}, nil
	}
	for range 2 {
		all, err := c.GetOrSetMany(ctx, []string{"d", "e"}, loadAll)
		want(t, "GetOrSetMany", all, err, map[string]V{"d": v, "e": v})
		loadAll = func(context.Context, []string) (map[string]V, error) { t.Error("it is loaded again"); return nil, nil }
	}
	if s := c.Stats(); s.Loaded != 5 || s.LoadStores != 5 || s.Unleased != 5 {
		t.Errorf("Stats = %+v, want 5 loads that are stored, without a lease", s)
	}
	if e := heard.take(); len(e.errors) != 1 || !strings.Contains(e.errors[0].Error(), says) {
		t.Errorf("Error heard %d times, of %.300v, want once of what is refused", len(e.errors), e.errors)
	}

	if err := c.Set(ctx, "a", w); err != nil {
		t.Error(err)
	}
	wantGet(t, c, "a", &w)
	got, err := c.Refresh(ctx, "a", load)
	want(t, "Refresh", got, err, v)
	wantGet(t, c, "a", &v)
	if err := c.SetMany(ctx, map[string]V{"a": w, "b": w}); err != nil {
		t.Error(err)
	}
	wantGet(t, c, "b", &w)
	ok, err := c.Touch(ctx, "a", cache.TTL(time.Hour))
	want(t, "Touch", ok, err, true)
	ok, err = c.SetIfAbsent(ctx, "a", v)
	if kind.Shape() == codec.ShapeString {
		want(t, "SetIfAbsent of what is there", ok, err, false)
		ok, err = c.SetIfAbsent(ctx, "new", v)
		want(t, "SetIfAbsent", ok, err, true)
		wantGet(t, c, "new", &v)
	} else if ok || !errors.Is(err, cache.ErrRedis) {
		t.Errorf("SetIfAbsent of a collection: %v, %v, want that it needs a script", ok, err)
	}

	err = c.Delete(ctx, "a", "b")
	if (err == nil) != marks {
		t.Errorf("Delete: %v", err)
	}
	wantGet(t, c, "a", nil)
	err = c.Delete(ctx, "c")
	if (err == nil) != marks || err != nil && !strings.Contains(err.Error(), "ControlPrefix") {
		t.Errorf("Delete of one key: %v", err)
	}
	wantGet(t, c, "c", nil)

	runs := 0
	for range 2 {
		_, err = c.GetOrSet(ctx, "f", func(context.Context, string) (V, error) { runs++; return v, cache.ErrNotFound })
		wantError(t, "what does not exist", *new(V), err, cache.ErrNotFound)
	}
	if (runs == 1) != marks {
		t.Errorf("what does not exist is loaded %d times", runs)
	}
	if err := c.SetAbsent(ctx, "d"); (err == nil) != marks {
		t.Errorf("SetAbsent: %v", err)
	}
	wantGet(t, c, "d", nil)
}
