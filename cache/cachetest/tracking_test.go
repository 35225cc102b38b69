package cachetest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/internal/tracking"
)

// A heard notes what a listener is told.
type heard struct {
	keys    chan string
	flushes chan struct{}
}

func (h heard) Invalidate(key []byte) { h.keys <- string(key) }
func (h heard) Flush()                { h.flushes <- struct{}{} }

// The server tells of writes, so that near caches can be tested, and what hears of them counts
// as no call.
func TestServerTracks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := cachetest.NewServer(t)
		l, err := tracking.Listen(srv.Client())
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		h := heard{make(chan string, 10), make(chan struct{}, 10)}
		s := l.Subscribe([]string{"user:"}, h)
		<-h.flushes
		synctest.Wait()
		if connected, cause := s.State(); !connected {
			t.Fatalf("not connected: %v", cause)
		}

		srv.Client().Set(t.Context(), "user:1", "v", time.Minute)
		if key := <-h.keys; key != "user:1" {
			t.Errorf("told of %q, want user:1", key)
		}
		srv.Advance(time.Hour)
		<-h.flushes

		calls := srv.Calls()
		e := s.Epoch("user:1")
		time.Sleep(time.Minute)
		if n := srv.Calls() - calls; n > 0 {
			t.Errorf("%d calls by a listener", n)
		}
		srv.Hang(1) // is for the next call of others
		time.Sleep(time.Minute)
		if got := s.Epoch("user:1"); got != e {
			t.Error("a fault of one call is that of the listener")
		}
		srv.Up()
		srv.Hang(cachetest.All)
		time.Sleep(time.Minute)
		if got := s.Epoch("user:1"); got != nil {
			t.Error("there is an epoch while the server is frozen")
		}
		srv.Up()
		time.Sleep(time.Minute)
		if got := s.Epoch("user:1"); got == nil || got == e {
			t.Errorf("epoch %p after that, want another one than %p", got, e)
		}
	})
}
