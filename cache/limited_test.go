package cache_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// scriptsOf lets a test refuse the commands that run scripts, and counts them.
func scriptsOf(t *testing.T, env *redistest.Env, refused func(command string) bool) (count func(command string) int64) {
	t.Helper()
	if err := env.Client.Ping(t.Context()).Err(); err != nil { // there is no server before the first connection
		t.Fatal(err)
	}
	counts := map[string]*atomic.Int64{"EVALSHA": {}, "EVAL": {}}
	env.Mini.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		if n := counts[command]; n != nil {
			n.Add(1)
			if refused(command) {
				p.WriteError("NOPERM User u has no permissions to run the '" + strings.ToLower(command) + "' command")
				return true
			}
		}
		return false
	})
	return func(command string) int64 { return counts[command].Swap(0) }
}

// Refused scripts are asked for again now and then, by loads as by writes, and the observer
// hears of each time that they are refused, once.
func TestScriptsComeBack(t *testing.T) {
	for how, ask := range map[string]func(t *testing.T, c *cache.Cache[string, string], key string){
		"load": func(t *testing.T, c *cache.Cache[string, string], key string) { mustLoad(t, c, key) },
		"set": func(t *testing.T, c *cache.Cache[string, string], key string) {
			noError(t, c.Set(t.Context(), key, "v"))
		},
		"touch": func(t *testing.T, c *cache.Cache[string, string], key string) {
			_, err := c.Touch(t.Context(), key)
			noError(t, err)
		},
		"set if absent": func(t *testing.T, c *cache.Cache[string, string], key string) {
			_, err := c.SetIfAbsent(t.Context(), key, "v")
			noError(t, err)
		},
	} {
		t.Run(how, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				var refuse atomic.Bool
				refuse.Store(true)
				count := scriptsOf(t, env, func(string) bool { return refuse.Load() })
				var heard recorder
				c := open(t, env.Client, cache.Config[string, string]{Observer: heard.observer()})
				mustLoad(t, c, "a")
				for _, key := range []string{"b", "c", "d"} {
					ask(t, c, key)
				}
				if n := count("EVAL"); n != 1 {
					t.Errorf("scripts were tried %d times, want once", n)
				}
				time.Sleep(11 * time.Second)
				for _, key := range []string{"e", "f", "g"} {
					ask(t, c, key)
				}
				if n := count("EVAL"); n != 1 {
					t.Errorf("refused scripts were asked for %d times again, want once", n)
				}
				if e := heard.take(); len(e.errors) != 1 {
					t.Errorf("Error heard %v, want once", e.errors)
				}
				refuse.Store(false)
				time.Sleep(11 * time.Second)
				ask(t, c, "h")
				before := c.Stats().Unleased
				mustLoad(t, c, "i")
				if n := c.Stats().Unleased; n != before || count("EVAL")+count("EVALSHA") == 0 {
					t.Errorf("%d loads without a lease after scripts came back, before %d", n, before)
				}
				refuse.Store(true)
				ask(t, c, "j")
				ask(t, c, "k")
				if e := heard.take(); len(e.errors) != 1 {
					t.Errorf("Error heard %v when scripts are refused anew, want once", e.errors)
				}
			})
		})
	}
}

func mustLoad(t *testing.T, c *cache.Cache[string, string], key string) {
	t.Helper()
	runs := 0
	v, err := c.GetOrSet(t.Context(), key, value("v", &runs))
	want(t, "GetOrSet", v, err, "v")
	wantGet(t, c, key, &v)
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// Where the hash of a script is refused it is sent in full, and its hash is not tried each time.
func TestScriptsInFull(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		count := scriptsOf(t, env, func(command string) bool { return command == "EVALSHA" })
		c := open(t, env.Client, cache.Config[string, string]{})
		for _, key := range []string{"a", "b", "c"} {
			mustLoad(t, c, key)
		}
		_, err := c.GetOrSetMany(t.Context(), []string{"d", "e"}, func(context.Context, []string) (map[string]string, error) {
			return map[string]string{"d": "v"}, nil
		})
		noError(t, err)
		noError(t, c.Set(t.Context(), "f", strings.Repeat("v", 5000)))
		if n := count("EVALSHA"); n != 1 {
			t.Errorf("the hash was tried %d times, want once", n)
		}
		if n := count("EVAL"); n < 9 {
			t.Errorf("%d scripts were sent in full", n)
		}
		if s := c.Stats(); s.Unleased != 0 || s.NotStored() != 0 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

// A write of this process holds a load back that has no lease, as with Lease: Off.
func TestWriteBeatsALoadWithoutScripts(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		scriptsOf(t, env, func(string) bool { return true })
		c := open(t, env.Client, cache.Config[string, []string]{Codec: codec.List(codec.Text[string]())})
		for _, write := range []func() error{
			func() error { return c.Delete(t.Context(), "k") },
			func() error { return c.Set(t.Context(), "k", []string{"new"}) },
		} {
			v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) ([]string, error) {
				return []string{"old"}, write()
			})
			want(t, "GetOrSet", v, err, []string{"old"})
			if v, ok, err := c.Get(t.Context(), "k"); ok && v[0] == "old" || err != nil {
				t.Errorf("the load is stored over the write: %v, %v", v, err)
			}
			noError(t, c.Delete(t.Context(), "k"))
		}
		if n := c.Stats().Fenced; n != 2 {
			t.Errorf("%d loads were fenced, want 2", n)
		}
	})
}

// An absence that another process has recorded is found without leases too.
func TestAbsenceIsFoundWithoutScripts(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		scriptsOf(t, env, func(string) bool { return true })
		c := open(t, env.Client, cache.Config[string, string]{})
		if err := env.Client.Set(t.Context(), testcache.Control(c.RedisKey("k")), "N", time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			v, err := c.GetOrSet(t.Context(), "k", never[string](t))
			wantError(t, "GetOrSet", v, err, cache.ErrNotFound)
		}
		if s := c.Stats(); s.AbsentHits != 2 || s.Misses != 0 || s.Loads != 0 {
			t.Errorf("Stats = %+v", s)
		}
	})
}
