package cachetest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
)

var names = cache.Config[int, string]{Name: "name", TTL: time.Minute, Jitter: -1}

// patient is names for a test in real time: what Redis does in the default RedisTimeout
// depends on how busy the machine is.
var patient = cache.Config[int, string]{Name: names.Name, TTL: names.TTL, Jitter: names.Jitter, RedisTimeout: time.Minute}

func load(_ context.Context, key int) (string, error) { return fmt.Sprint("name of ", key), nil }

// noLoad is the loader of a call that is expected to find its value.
func noLoad(t testing.TB) func(context.Context, int) (string, error) {
	return func(context.Context, int) (string, error) {
		t.Error("loaded what is cached")
		return "", nil
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	c := cachetest.New(t, patient)
	if v, err := c.GetOrSet(t.Context(), 1, load); v != "name of 1" || err != nil {
		t.Fatalf("GetOrSet: %q, %v", v, err)
	}
	if v, ok, err := c.Get(t.Context(), 1); v != "name of 1" || !ok || err != nil {
		t.Errorf("Get: %q, %v, %v", v, ok, err)
	}
	if err := c.Delete(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if v, ok, err := c.Get(t.Context(), 1); ok || err != nil {
		t.Errorf("Get after Delete: %q, %v, %v", v, ok, err)
	}
}

// Parallel tests do not see each other's keys.
func TestNewIsEmpty(t *testing.T) {
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			c := cachetest.New(t, patient)
			if stored, err := c.SetIfAbsent(t.Context(), 1, "mine"); !stored || err != nil {
				t.Errorf("SetIfAbsent: %v, %v", stored, err)
			}
		})
	}
}

// A bubble fails if a goroutine is left, and never ends if one waits for what is
// outside of it.
func TestNewInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cachetest.New(t, names)
		if _, err := c.GetOrSet(t.Context(), 1, load); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - time.Millisecond)
		if _, err := c.GetOrSet(t.Context(), 1, noLoad(t)); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Millisecond)
		if v, ok, err := c.Get(t.Context(), 1); ok || err != nil {
			t.Errorf("Get after the TTL: %q, %v, %v", v, ok, err)
		}
	})
}

// tb is a testing.TB that can fail without failing the test.
type tb struct {
	testing.TB
	mu       sync.Mutex
	cleanups []func()
	fatal    string
}

func (t *tb) Helper() {}

func (t *tb) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

func (t *tb) Fatalf(format string, args ...any) {
	t.fatal = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// end does what the end of a test does.
func (t *tb) end() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}

func TestNewRefuses(t *testing.T) {
	var inner tb
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer inner.end()
		cachetest.New(&inner, cache.Config[int, string]{Jitter: 2})
		t.Error("New returned")
	}()
	<-done
	for _, want := range []string{"cachetest: ", "Name", "TTL", "Jitter"} {
		if !strings.Contains(inner.fatal, want) {
			t.Errorf("%q does not name %q", inner.fatal, want)
		}
	}
}

func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inner tb
		srv := cachetest.NewServer(&inner)
		c := cachetest.NewOn(&inner, srv, names)
		if err := c.Set(t.Context(), 1, "one"); err != nil {
			t.Fatal(err)
		}
		inner.end()
		if _, _, err := c.Get(t.Context(), 1); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("Get after the end of the test: %v", err)
		}
		if err := srv.Client().Ping(t.Context()).Err(); !errors.Is(err, redis.ErrClosed) {
			t.Errorf("the client after the end of the test: %v", err)
		}
	})
}

// The end of a test does not wait for a call that hangs.
func TestEndWhileACallHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inner tb
		srv := cachetest.NewServer(&inner)
		c := cachetest.NewOn(&inner, srv, names)
		go func() {
			_, _ = c.GetOrSet(t.Context(), 1, func(context.Context, int) (string, error) {
				srv.Hang(cachetest.All)
				return "is stored in vain", nil
			})
		}()
		synctest.Wait()
		began := time.Now()
		inner.end()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %v", waited)
		}
	})
}

// The end of a test ends what waits in Redis, and leaves nothing to connect to.
func TestEndWithAClientOfTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inner tb
		srv := cachetest.NewServer(&inner)
		rdb := redis.NewClient(srv.Options())
		defer func() { _ = rdb.Close() }()
		done := make(chan error)
		go func() { done <- rdb.BLPop(t.Context(), 0, "nothing").Err() }()
		synctest.Wait()
		inner.end()
		if err := <-done; err == nil {
			t.Error("BLPop has an answer")
		}
		for range 2 {
			if err := rdb.Ping(t.Context()).Err(); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("Ping: %v", err)
			}
			srv.Up()
		}
	})
}

// Two caches on one server are two processes: what one stores or deletes, the
// other sees, and a load is shared only within each.
func TestTwoCaches(t *testing.T) {
	srv := cachetest.NewServer(t)
	a, b := cachetest.NewOn(t, srv, patient), cachetest.NewOn(t, srv, patient)
	if _, err := a.GetOrSet(t.Context(), 1, load); err != nil {
		t.Fatal(err)
	}
	if v, err := b.GetOrSet(t.Context(), 1, noLoad(t)); v != "name of 1" || err != nil {
		t.Errorf("GetOrSet: %q, %v", v, err)
	}
	if err := b.Delete(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := a.Get(t.Context(), 1); ok || err != nil {
		t.Errorf("Get after the other's Delete: %v, %v", ok, err)
	}
}
