package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// undelivered returns caches of one registry, each with two keys that Redis refuses to delete until
// the returned function is called.
func undelivered(t *testing.T, env *redistest.Env) (registry *cache.Registry, caches [2]*cache.Cache[string, string], accept func()) {
	registry = new(cache.Registry)
	for i, name := range []string{"one", "other"} {
		caches[i] = open(t, env.Client, cache.Config[string, string]{Name: name, Registry: registry})
		mustSet(t, caches[i], map[string]string{"k": "old", "l": "old"})
	}
	refuse := refuseWrites(env)
	for _, c := range caches {
		if err := c.Delete(t.Context(), "k", "l"); !errors.Is(err, cache.ErrRedis) {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Minute) // the pauses have become long
	return registry, caches, func() { refuse.Store(false) }
}

func wantUndelivered(t *testing.T, err, kind error, took, most time.Duration) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), "has not acknowledged the deletes of 2 keys") || took > most {
		t.Errorf("%v after %v, want %v after %v at most", err, took, kind, most)
	}
}

// Shutdown waits for the deletes that follow failed writes, at once and for as long as its context
// lasts.
func TestShutdownDelivers(t *testing.T) {
	for _, after := range []time.Duration{0, 7 * time.Second} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			registry, caches, accept := undelivered(t, env)
			time.AfterFunc(after, accept)
			if after == 0 {
				accept()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
			defer cancel()
			began := time.Now()
			if err := registry.Shutdown(ctx); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			if took := time.Since(began); took < after || took > after+5*time.Second || after == 0 && took > 200*time.Millisecond {
				t.Errorf("Shutdown took %v, Redis accepts deletes after %v", took, after)
			}
			for _, c := range caches {
				if env.Mini.Exists(c.RedisKey("k")) || env.Mini.Exists(c.RedisKey("l")) {
					t.Error("a delete was given up")
				}
			}
		})
	}
}

// Its error says how many are left, and of each cache its own. A context without an end does not
// wait for a Redis that may be down for long, and Close waits for none.
func TestShutdownSaysWhatIsUndelivered(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		_, caches, _ := undelivered(t, env)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		err := caches[0].Shutdown(ctx)
		wantUndelivered(t, err, context.DeadlineExceeded, time.Since(began), 10*time.Second)
		began = time.Now()
		err = caches[1].Shutdown(context.Background())
		wantUndelivered(t, err, cache.ErrRedis, time.Since(began), time.Second)
		began = time.Now()
		err = caches[1].Shutdown(context.Background())
		wantUndelivered(t, err, cache.ErrRedis, time.Since(began), 0)
	})
	bubble(t, func(t *testing.T, env *redistest.Env) {
		_, caches, _ := undelivered(t, env)
		began := time.Now()
		for _, c := range caches {
			if err := c.Close(); err != nil || time.Since(began) > 0 {
				t.Errorf("Close: %v after %v", err, time.Since(began))
			}
		}
	})
}

// A delete that is under way when its cache is closed, and fails then, is sent again as long as
// another cache on the client is open.
func TestCloseDuringADeleteThatFails(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		open(t, env.Client, cache.Config[string, string]{Name: "other"})
		mustSet(t, c, map[string]string{"k": "old"})
		var refuse atomic.Bool
		refuse.Store(true)
		env.Mini.Server().SetPreHook(func(peer *server.Peer, command string, _ ...string) bool {
			if command != "UNLINK" || !refuse.Swap(false) {
				return false
			}
			time.Sleep(500 * time.Millisecond)
			peer.WriteError("MISCONF Redis is configured to save RDB snapshots")
			return true
		})
		failed := make(chan error)
		go func() { failed <- c.Delete(t.Context(), "k") }()
		synctest.Wait()
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-failed; !errors.Is(err, cache.ErrRedis) {
			t.Errorf("Delete: %v, want ErrRedis", err)
		}
		time.Sleep(time.Second)
		if env.Mini.Exists("test:k") {
			t.Error("the delete was given up")
		}
	})
}
