package cachetest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
)

var errBusy = errors.New("BUSY Redis is busy running a script")

// faults are all ways in which Redis can fail all calls.
var faults = []struct {
	name       string
	begin      func(*cachetest.Server)
	text       string        // in the error of a call
	longest    time.Duration // that a call waits
	carriedOut bool
}{
	{"Fail", func(s *cachetest.Server) { s.Fail(cachetest.All, errBusy) }, errBusy.Error(), 0, false},
	{"Hang", func(s *cachetest.Server) { s.Hang(cachetest.All) }, "no answer within RedisTimeout, 1s", time.Second, false},
	{"Drop", func(s *cachetest.Server) { s.Drop(cachetest.All) }, "EOF", time.Second, false},
	{"DropAnswer", func(s *cachetest.Server) { s.DropAnswer(cachetest.All) }, "EOF", time.Second, true},
	{"Down", (*cachetest.Server).Down, "connection refused", 0, false},
}

// Each fault against each kind of call and each policy, on a key that holds "old".
func TestFaults(t *testing.T) {
	type result struct {
		value string
		err   error
	}
	calls := []struct {
		name    string
		call    func(ctx context.Context, c *cache.Cache[int, string]) result
		through bool   // with LoadThrough, the call succeeds without Redis
		after   string // what the key holds when the call was carried out
	}{
		{"GetOrSet", func(ctx context.Context, c *cache.Cache[int, string]) result {
			v, err := c.GetOrSet(ctx, 1, load)
			return result{v, err}
		}, true, "name of 1"},
		{"Get", func(ctx context.Context, c *cache.Cache[int, string]) result {
			v, _, err := c.Get(ctx, 1)
			return result{v, err}
		}, false, "old"},
		{"Set", func(ctx context.Context, c *cache.Cache[int, string]) result {
			return result{"", c.Set(ctx, 1, "new")}
		}, false, "new"},
		{"Delete", func(ctx context.Context, c *cache.Cache[int, string]) result {
			return result{"", c.Delete(ctx, 1)}
		}, false, ""},
	}
	for _, policy := range []cache.FailurePolicy{cache.LoadThrough, cache.Fail} {
		for _, fault := range faults {
			for _, call := range calls {
				t.Run(fmt.Sprintf("%v/%s/%s", policy, fault.name, call.name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						srv, rec := cachetest.NewServer(t), cachetest.Record()
						cfg := names
						cfg.OnRedisError, cfg.Observer = policy, rec.Observer()
						c := cachetest.NewOn(t, srv, cfg)
						if err := c.Set(t.Context(), 1, "old"); err != nil {
							t.Fatal(err)
						}
						fault.begin(srv)
						began := time.Now()
						got := call.call(t.Context(), c)
						if waited := time.Since(began); waited > fault.longest {
							t.Errorf("waited %v, longer than %v", waited, fault.longest)
						}
						if through := call.through && policy == cache.LoadThrough; through {
							if got != (result{"name of 1", nil}) {
								t.Errorf("got %q, %v; want the loader's value", got.value, got.err)
							}
						} else {
							if got.value != "" || !errors.Is(got.err, cache.ErrRedis) || !strings.Contains(got.err.Error(), fault.text) {
								t.Errorf("got %q, %v; want an ErrRedis with %q", got.value, got.err, fault.text)
							}
							if n := len(rec.Loads()); n != 0 {
								t.Errorf("%d loads", n)
							}
						}
						if len(rec.Errors(cache.ErrRedis)) == 0 {
							t.Error("the observer did not hear of the failure")
						}

						srv.Up()
						synctest.Wait()
						want := "old"
						if fault.carriedOut && !call.through {
							want = call.after
						}
						other := anotherProcess(t, srv, names)
						if v, ok, err := other.Get(t.Context(), 1); v != want || ok != (want != "") || err != nil {
							t.Errorf("after Up: %q, %v, %v; want %q", v, ok, err, want)
						}
					})
				})
			}
		}
	}
}

// anotherProcess returns a cache on a client of its own, which knows nothing of writes that have
// failed.
func anotherProcess(t *testing.T, srv *cachetest.Server, cfg cache.Config[int, string]) *cache.Cache[int, string] {
	t.Helper()
	rdb := redis.NewClient(srv.Options())
	c := cache.Must(cache.New(rdb, cfg))
	t.Cleanup(func() {
		_ = c.Close()
		_ = rdb.Close()
	})
	return c
}

func TestHangEndsWithTheCaller(t *testing.T) {
	for _, tt := range []struct {
		name         string
		redisTimeout time.Duration
		deadline     time.Duration
		want         time.Duration
		kind         error
	}{
		{"RedisTimeout", 200 * time.Millisecond, time.Minute, 200 * time.Millisecond, cache.ErrRedis},
		{"deadline", time.Second, 100 * time.Millisecond, 100 * time.Millisecond, context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := cachetest.NewServer(t)
				cfg := names
				cfg.RedisTimeout = tt.redisTimeout
				c := cachetest.NewOn(t, srv, cfg)
				srv.Hang(cachetest.All)
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				began := time.Now()
				_, _, err := c.Get(ctx, 1)
				if waited := time.Since(began); waited != tt.want || !errors.Is(err, tt.kind) {
					t.Errorf("after %v: %v", waited, err)
				}
			})
		})
	}
}

func TestUpAnswersWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := cachetest.NewServer(t)
		c := cachetest.NewOn(t, srv, names)
		srv.Hang(1)
		began := time.Now()
		done := make(chan error)
		go func() { done <- c.Set(t.Context(), 1, "one") }()
		synctest.Wait()
		time.Sleep(300 * time.Millisecond)
		if n := srv.Client().Exists(t.Context(), "name:1").Val(); n != 0 {
			t.Error("the call was carried out while it hung")
		}
		srv.Up()
		if err := <-done; err != nil || time.Since(began) != 300*time.Millisecond {
			t.Errorf("Set: %v, after %v", err, time.Since(began))
		}
		other := anotherProcess(t, srv, patient)
		if v, ok, err := other.Get(t.Context(), 1); v != "one" || !ok || err != nil {
			t.Errorf("Get: %q, %v, %v", v, ok, err)
		}
	})
}

// Faults take calls in the order in which they were asked for, and no others.
func TestFaultsWaitInLine(t *testing.T) {
	srv := cachetest.NewServer(t)
	rdb := srv.Client()
	srv.Fail(2, errors.New("ERR first"))
	srv.Fail(0, errors.New("ERR never"))
	srv.Fail(-1, errors.New("ERR never"))
	srv.Fail(1, errors.New("ERR second\r\n+OK"))
	for i, want := range []string{"ERR first", "ERR first", "ERR second  +OK", "<nil>"} {
		if got := fmt.Sprint(rdb.Set(t.Context(), "a", "1", 0).Err()); got != want {
			t.Errorf("call %d: %q, want %q", i, got, want)
		}
	}
	if n := srv.Calls(); n != 4 {
		t.Errorf("%d calls, want 4", n)
	}
}

func TestUpForgets(t *testing.T) {
	srv := cachetest.NewServer(t)
	srv.Fail(1, errBusy)
	srv.Hang(1)
	srv.Up()
	if err := srv.Client().Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

// A failing call fails as a whole, and leaves its connection fit for the next.
func TestFailWholeCalls(t *testing.T) {
	srv := cachetest.NewServer(t)
	rdb, ctx := srv.Client(), t.Context()
	two := func(p redis.Pipeliner) error {
		p.Set(ctx, "a", "1", 0)
		p.Set(ctx, "b", strings.Repeat("x", 100_000), 0)
		return nil
	}
	for _, tt := range []struct {
		name string
		send func(context.Context, func(redis.Pipeliner) error) ([]redis.Cmder, error)
	}{{"pipeline", rdb.Pipelined}, {"transaction", rdb.TxPipelined}} {
		srv.Fail(1, errBusy)
		cmds, err := tt.send(ctx, two)
		if err == nil || err.Error() != errBusy.Error() || len(cmds) != 2 {
			t.Errorf("%s: %d commands, %v", tt.name, len(cmds), err)
		}
		for _, cmd := range cmds {
			if cmd.Err() == nil || cmd.Err().Error() != errBusy.Error() {
				t.Errorf("%s: %s: %v", tt.name, cmd.Name(), cmd.Err())
			}
		}
		if n, err := rdb.Exists(ctx, "a", "b").Result(); n != 0 || err != nil {
			t.Errorf("%s: %d keys stored, %v", tt.name, n, err)
		}
		if _, err := tt.send(ctx, two); err != nil {
			t.Errorf("%s: the next call: %v", tt.name, err)
		}
		rdb.Del(ctx, "a", "b")
	}
	if n := rdb.PoolStats().StaleConns; n != 0 {
		t.Errorf("%d connections were given up", n)
	}
}

// Nobody notices one lost connection: go-redis repeats commands and pipelines, the cache what
// it sends itself.
func TestDropOnce(t *testing.T) {
	srv := cachetest.NewServer(t)
	c := cachetest.NewOn(t, srv, patient)
	if err := c.Set(t.Context(), 0, "loads the script"); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"command of go-redis": func() error { return srv.Client().Set(t.Context(), "name:1", "one", 0).Err() },
		"plain read":          func() error { _, _, err := c.Get(t.Context(), 1); return err },
		"command":             func() error { return c.Delete(t.Context(), 1) },
		"pipeline":            func() error { _, err := c.Entry(t.Context(), 1); return err },
		"script":              func() error { return c.Set(t.Context(), 1, "one") },
	} {
		srv.Drop(1)
		before := srv.Calls()
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := srv.Calls() - before; n != 2 {
			t.Errorf("%s: %d calls, want 2", name, n)
		}
	}
}

// SetIfAbsent is not repeated: it would find its own value, and deny it.
func TestDropAnswerOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := cachetest.NewServer(t)
		c := cachetest.NewOn(t, srv, patient)
		if _, err := c.SetIfAbsent(t.Context(), 0, "loads the script"); err != nil {
			t.Fatal(err)
		}
		srv.DropAnswer(1)
		if stored, err := c.SetIfAbsent(t.Context(), 1, "one"); stored || !errors.Is(err, cache.ErrRedis) {
			t.Errorf("SetIfAbsent: %v, %v", stored, err)
		}
		other := anotherProcess(t, srv, patient)
		if v, ok, err := other.Get(t.Context(), 1); v != "one" || !ok || err != nil {
			t.Errorf("Get: %q, %v, %v", v, ok, err)
		}
	})
}

// Faults come and go while many use the server.
func TestFaultsConcurrently(t *testing.T) {
	t.Parallel()
	srv := cachetest.NewServer(t)
	cfg := names
	cfg.RedisTimeout = 50 * time.Millisecond
	a, b := cachetest.NewOn(t, srv, cfg), cachetest.NewOn(t, srv, cfg)
	var group sync.WaitGroup
	for i := range 8 {
		c := []*cache.Cache[int, string]{a, b}[i%2]
		group.Go(func() {
			for n := range 50 {
				key := n % 5
				if v, err := c.GetOrSet(t.Context(), key, load); err != nil || v != fmt.Sprint("name of ", key) {
					t.Errorf("GetOrSet: %q, %v", v, err)
				}
				_ = c.Delete(t.Context(), key)
			}
		})
	}
	group.Go(func() {
		for range 20 {
			srv.Fail(3, errBusy)
			srv.Drop(3)
			srv.DropAnswer(3)
			srv.Hang(1)
			srv.Down()
			srv.Advance(time.Second)
			srv.Up()
			srv.Hang(1)
			srv.Up()
		}
	})
	group.Wait()
	srv.Up()
	a, b = cachetest.NewOn(t, srv, patient), cachetest.NewOn(t, srv, patient)
	if err := a.Set(t.Context(), 1, "one"); err != nil {
		t.Error(err)
	}
	if v, ok, err := b.Get(t.Context(), 1); v != "one" || !ok || err != nil {
		t.Errorf("Get: %q, %v, %v", v, ok, err)
	}
}
