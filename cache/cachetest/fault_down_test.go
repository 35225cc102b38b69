package cachetest_test

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
)

// Up is the end of Down: no idle connection that has died meanwhile fails a call.
func TestDownAndUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := cachetest.NewServer(t)
		rdb := srv.Client()
		srv.Hang(8)
		var group sync.WaitGroup
		for range 8 { // on a connection each
			group.Go(func() { rdb.Set(t.Context(), "a", "1", 0) })
		}
		synctest.Wait()
		srv.Up()
		group.Wait()
		if n := rdb.PoolStats().IdleConns; n != 8 {
			t.Fatalf("%d idle connections, want 8", n)
		}

		srv.Down()
		srv.Down()
		if err := rdb.Get(t.Context(), "a").Err(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("while down: %v", err)
		}
		srv.Up()
		before := srv.Calls()
		if v, err := rdb.Get(t.Context(), "a").Result(); v != "1" || err != nil {
			t.Errorf("after Up: %q, %v", v, err)
		}
		if n := srv.Calls() - before; n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

func TestDownBreaksWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := cachetest.NewServer(t)
		sub := srv.Client().Subscribe(t.Context(), "news")
		defer func() { _ = sub.Close() }()
		if _, err := sub.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := sub.Receive(t.Context())
			done <- err
		}()
		synctest.Wait()
		srv.Down()
		if err := <-done; err == nil || !strings.Contains(err.Error(), "connection reset") {
			t.Errorf("Receive: %v", err)
		}
	})
}

// However many calls have failed, the first one after Up is answered.
func TestUpClosesTheBreaker(t *testing.T) {
	t.Parallel()
	srv := cachetest.NewServer(t)
	c := cachetest.NewOn(t, srv, names)
	for range 3 {
		srv.Down()
		for c.Stats().Breaker != cache.BreakerOpen {
			if _, _, err := c.Get(t.Context(), 1); err == nil {
				t.Fatal("Get of a server that is down gives no error")
			}
		}
		srv.Up()
		if err := c.Set(t.Context(), 1, "one"); err != nil {
			t.Errorf("the first call after Up: %v", err)
		}
		if got := c.Stats().Breaker; got != cache.BreakerClosed {
			t.Errorf("after Up the breaker is %v", got)
		}
	}
}
