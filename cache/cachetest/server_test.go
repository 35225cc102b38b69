package cachetest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
)

func TestAdvance(t *testing.T) {
	srv := cachetest.NewServer(t)
	c := cachetest.NewOn(t, srv, patient)
	if err := c.Set(t.Context(), 1, "one"); err != nil {
		t.Fatal(err)
	}
	srv.Advance(40 * time.Second)
	if e, err := c.Entry(t.Context(), 1); err != nil || e.Value != "one" || e.TTL > 20*time.Second {
		t.Errorf("Entry in its last seconds: %+v, %v", e, err)
	}
	srv.Advance(20 * time.Second)
	if v, ok, err := c.Get(t.Context(), 1); ok || err != nil {
		t.Errorf("Get after the TTL: %q, %v, %v", v, ok, err)
	}
}

func TestAdvanceBackwards(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Advance took a negative duration")
		}
	}()
	cachetest.NewServer(t).Advance(-1)
}

func TestCalls(t *testing.T) {
	srv := cachetest.NewServer(t)
	rdb, ctx := srv.Client(), t.Context()
	for _, tt := range []struct {
		name string
		call func() error
	}{
		{"command", func() error { return rdb.Set(ctx, "a", "1", 0).Err() }},
		{"pipeline", func() error {
			_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
				p.Get(ctx, "a")
				p.Get(ctx, "a")
				return nil
			})
			return err
		}},
		{"transaction", func() error {
			_, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Get(ctx, "a")
				p.Get(ctx, "a")
				return nil
			})
			return err
		}},
		// go-redis writes it in several parts.
		{"long command", func() error { return rdb.Set(ctx, "long", strings.Repeat("x", 1<<20), 0).Err() }},
		{"long answer", func() error { return rdb.Get(ctx, "long").Err() }},
	} {
		before := srv.Calls()
		if err := tt.call(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if n := srv.Calls() - before; n != 1 {
			t.Errorf("%s: %d calls", tt.name, n)
		}
	}
}

// Over a net.Pipe the server would wait for the client to read its first answers,
// and the client for the server to read its last commands.
func TestLongPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cachetest.New(t, names)
		keys := make([]int, 2500)
		for i := range keys {
			keys[i] = i
		}
		if err := c.Set(t.Context(), 2499, "last"); err != nil {
			t.Fatal(err)
		}
		if err := c.Delete(t.Context(), keys...); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := c.Get(t.Context(), 2499); ok || err != nil {
			t.Errorf("Get after Delete: %v, %v", ok, err)
		}
	})
}

// A client with settings of its own.
func TestOptions(t *testing.T) {
	srv := cachetest.NewServer(t)
	opt := srv.Options()
	opt.Protocol, opt.DB = 2, 3
	rdb := redis.NewClient(opt)
	defer func() { _ = rdb.Close() }()
	if err := rdb.Set(t.Context(), "a", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := srv.Calls(); n != 1 {
		t.Errorf("%d calls, with those that set the connection up", n)
	}
	if n, err := srv.Client().Exists(t.Context(), "a").Result(); n != 0 || err != nil {
		t.Errorf("the key is in database 0 as well: %d, %v", n, err)
	}
}

func TestPubSub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := cachetest.NewServer(t)
		sub := srv.Client().Subscribe(t.Context(), "news")
		defer func() { _ = sub.Close() }()
		if _, err := sub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := srv.Client().Publish(t.Context(), "news", "hello").Err(); err != nil {
			t.Fatal(err)
		}
		if m, err := sub.ReceiveMessage(t.Context()); err != nil || m.Payload != "hello" {
			t.Errorf("received %v, %v", m, err)
		}
	})
}

// More callers at once than go-redis has connections by default must not wait for
// one: its queue for them keeps timers from one bubble for the next, which is fatal.
func TestManyCallersInBubbles(t *testing.T) {
	for range 2 {
		synctest.Test(t, manyCallers)
	}
}

func manyCallers(t *testing.T) {
	srv := cachetest.NewServer(t)
	c := cachetest.NewOn(t, srv, cache.Config[int, int]{Name: "n", TTL: time.Minute})
	srv.Hang(cachetest.All)
	var group sync.WaitGroup
	for i := range 200 {
		group.Go(func() {
			if _, _, err := c.Get(t.Context(), i); !errors.Is(err, cache.ErrRedis) {
				t.Errorf("Get from a Redis that hangs: %v", err)
			}
		})
	}
	group.Wait()
}

// What Advance makes stale is served and refreshed, of which a Recorder tells.
func TestAdvanceToStale(t *testing.T) {
	srv := cachetest.NewServer(t)
	var r cachetest.Recorder
	c := cachetest.NewOn(t, srv, cache.Config[int, string]{
		Name: "stale", TTL: time.Minute, StaleFor: time.Minute, RedisTimeout: time.Minute, Observer: r.Observer(),
	})
	if err := c.Set(t.Context(), 1, "old"); err != nil {
		t.Fatal(err)
	}
	srv.Advance(61 * time.Second)
	v, err := c.GetOrSet(t.Context(), 1, func(context.Context, int) (string, error) { return "new", nil })
	if v != "old" || err != nil {
		t.Errorf("GetOrSet = %q, %v, want what is stale", v, err)
	}
	if err := r.Wait(t.Context(), func() bool { return len(r.WritesBy(cache.OpGetOrSet)) == 1 }); err != nil {
		t.Fatal(err)
	}
	if loads := r.Loads(); len(loads) != 1 || !loads[0].Background || len(r.Lookups(cache.Stale)) != 1 {
		t.Errorf("the recorder has %q", r.Lines())
	}
	if v, ok, err := c.Get(t.Context(), 1); v != "new" || !ok || err != nil {
		t.Errorf("Get = %q, %v, %v", v, ok, err)
	}
}
