package cache_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// An elsewhere is something that comes, from another process or program, between the
// beginning of a load and its end.
type elsewhere struct {
	name string
	do   func(ctx context.Context, another *cache.Cache[string, string], rdb redis.UniversalClient) error
	then string // what the key holds then: the load may not change it
}

const olderKey = "test:k"

var elsewheres = []elsewhere{
	{"Delete", func(ctx context.Context, c *cache.Cache[string, string], _ redis.UniversalClient) error {
		return c.Delete(ctx, "k")
	}, ""},
	{"Set", func(ctx context.Context, c *cache.Cache[string, string], _ redis.UniversalClient) error {
		return c.Set(ctx, "k", "written")
	}, "written"},
	{"SetAbsent", func(ctx context.Context, c *cache.Cache[string, string], _ redis.UniversalClient) error {
		return c.SetAbsent(ctx, "k")
	}, ""},
	{"Refresh", func(ctx context.Context, c *cache.Cache[string, string], rdb redis.UniversalClient) error {
		if err := rdb.Del(ctx, control(olderKey)).Err(); err != nil { // else it waits for the load
			return err
		}
		_, err := c.Refresh(ctx, "k", func(context.Context, string) (string, error) { return "written", nil })
		return err
	}, "written"},
	{"foreign SET", func(ctx context.Context, _ *cache.Cache[string, string], rdb redis.UniversalClient) error {
		return rdb.Set(ctx, olderKey, "written", 0).Err()
	}, "written"},
	{"foreign SET with a life", func(ctx context.Context, _ *cache.Cache[string, string], rdb redis.UniversalClient) error {
		return rdb.Set(ctx, olderKey, "written", 20*time.Minute).Err()
	}, "written"},
	{"foreign DEL of both keys", func(ctx context.Context, _ *cache.Cache[string, string], rdb redis.UniversalClient) error {
		return rdb.Del(ctx, olderKey, control(olderKey)).Err()
	}, ""},
	{"loss of both keys", func(ctx context.Context, _ *cache.Cache[string, string], rdb redis.UniversalClient) error {
		pipe := rdb.Pipeline()
		pipe.Del(ctx, olderKey)
		pipe.Del(ctx, control(olderKey))
		_, err := pipe.Exec(ctx)
		return err
	}, ""},
}

// A load in one process ends after a write in another, or by another program. It is
// not stored; its caller may keep the value; the next call gets what was written.
func TestG2WriteElsewhereBeatsAnOlderLoad(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, e := range elsewheres {
			t.Run(e.name, func(t *testing.T) {
				env.FlushAll(t)
				var r recorder
				c := open(t, env.Client, cache.Config[string, string]{Observer: r.observer()})
				another := open(t, env.Client, cache.Config[string, string]{})
				v, err := c.GetOrSet(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
					return "older", e.do(ctx, another, env.Client)
				})
				want(t, "GetOrSet", v, err, "older")
				if got := env.Client.Get(t.Context(), olderKey).Val(); got != e.then {
					t.Errorf("the key holds %q, want %q", got, e.then)
				}
				if writes := r.take().writes; len(writes) != 1 || !writes[0].Fenced {
					t.Errorf("write events %+v, want one of a store that was fenced", writes)
				}
				if s := c.Stats(); s.Fenced != 1 || s.Stores != 0 {
					t.Errorf("Stats = %+v", s)
				}
			})
		}
	})
}

// The same during a refresh, which has still to do what it was asked for: it loads
// once more, after the write.
func TestG2WriteElsewhereDuringARefresh(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, e := range elsewheres {
			t.Run(e.name, func(t *testing.T) {
				env.FlushAll(t)
				c, another := open(t, env.Client, cache.Config[string, string]{}), open(t, env.Client, cache.Config[string, string]{})
				if err := c.Set(t.Context(), "k", "old"); err != nil {
					t.Fatal(err)
				}
				runs := 0
				v, err := c.Refresh(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
					if runs++; runs > 1 {
						return "newer", nil
					}
					return "older", e.do(ctx, another, env.Client)
				})
				want(t, "Refresh", v, err, "newer")
				wantGet(t, another, "k", &v)
				if runs != 2 {
					t.Errorf("%d loads, want two", runs)
				}
				if left := env.Client.Exists(t.Context(), control(olderKey)).Val(); left != 0 {
					t.Error("a lease was left behind")
				}
			})
		}
	})
}

// A key that is written during each of its loads: a refresh gives up, and removes
// what may be old.
func TestG2RefreshThatCannotWin(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, int]{})
		runs := 0
		v, err := c.Refresh(t.Context(), "k", func(ctx context.Context, _ string) (int, error) {
			runs++
			return runs, env.Client.Set(ctx, olderKey, -runs, time.Duration(runs)*time.Minute).Err()
		})
		want(t, "Refresh", v, err, 3)
		wantState(t, c, "k", cache.Missing)
	})
}

// Callers of one process wait for a load, and another process deletes: those that
// came during the load begin anew, those that came before it may have its result.
func TestG2FollowersOfARefusedLoad(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		fleet := openFleet(t, 2, f, cache.Config[string, string]{})
		c, another := fleet[0], fleet[1]
		f.delay(func(command string) time.Duration {
			if command == "EVALSHA" || command == "EVAL" {
				return 10 * time.Millisecond
			}
			return 0
		}, nil)
		release := make(chan struct{})
		answers := map[string]chan string{}
		ask := func(who string, load func(context.Context, string) (string, error)) {
			answer := make(chan string, 1)
			answers[who] = answer
			go func() {
				v, err := c.GetOrSet(t.Context(), "k", load)
				want(t, who, v, err, v)
				answer <- v
			}()
			time.Sleep(5 * time.Millisecond)
		}
		ask("leader", func(context.Context, string) (string, error) { <-release; return "older", nil })
		ask("a caller that came before the load", never[string](t))
		time.Sleep(time.Second)
		newer := func(context.Context, string) (string, error) { return "newer", nil } // of whoever comes first
		ask("a caller that came during the load", newer)
		if err := another.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		ask("a caller that came after the write", newer)
		close(release)
		for who, wanted := range map[string]string{
			"leader": "older", "a caller that came before the load": "older",
			"a caller that came during the load": "newer", "a caller that came after the write": "newer",
		} {
			if got := <-answers[who]; got != wanted {
				t.Errorf("%s got %q, want %q", who, got, wanted)
			}
		}
	})
}

// A caller that waits for another process's load is served what a program stores meanwhile.
func TestG2ForeignWriteReachesWhoWaits(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		fleet := openFleet(t, 2, newFaults(t, env), cache.Config[string, string]{})
		release := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			v, err := fleet[0].GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { <-release; return "older", nil })
			want(t, "GetOrSet", v, err, "older")
		})
		synctest.Wait()
		wg.Go(func() {
			v, err := fleet[1].GetOrSet(t.Context(), "k", never[string](t))
			want(t, "GetOrSet of another process", v, err, "written")
			close(release)
		})
		time.Sleep(time.Second)
		if err := env.Client.Set(t.Context(), olderKey, "written", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		written := "written"
		wantGet(t, fleet[1], "k", &written)
	})
}

// Memory is full: hits are served, everything else is loaded and not stored, and
// nothing is an error.
func TestFullMemory(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			rdb := server.Start(t, redistest.Standalone, "--maxmemory-policy", "noeviction").Client(t)
			c := open(t, rdb, cache.Config[string, string]{OnRedisError: cache.Fail})
			if err := c.Set(t.Context(), "there", "v"); err != nil {
				t.Fatal(err)
			}
			if err := rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
				t.Fatal(err)
			}
			v, err := c.GetOrSet(t.Context(), "there", never[string](t))
			want(t, "a hit", v, err, "v")
			runs := 0
			for i := range 3 {
				v, err = c.GetOrSet(t.Context(), "missing", value(fmt.Sprint(i), &runs))
				want(t, "a miss", v, err, fmt.Sprint(i))
			}
			v, err = c.GetOrSet(t.Context(), "nowhere", failing[string](cache.ErrNotFound))
			wantError(t, "what does not exist", v, err, cache.ErrNotFound)
			if v, err = c.Refresh(t.Context(), "there", value("new", &runs)); err == nil {
				t.Errorf("Refresh = %q, without an error", v)
			}
			if err := c.Delete(t.Context(), "there"); err != nil {
				t.Errorf("Delete: %v", err)
			}
			wantGet(t, c, "there", nil)
		})
	}
}
