package cachetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/loader"
)

var errSource = errors.New("the source is down")

// recorded is a cache whose recorder has seen an event of each kind.
func recorded(t *testing.T) *cachetest.Recorder {
	t.Helper()
	srv, rec := cachetest.NewServer(t), cachetest.Record()
	cfg := patient
	cfg.Observer = rec.Observer()
	c := cachetest.NewOn(t, srv, cfg)
	ctx := t.Context()
	_, _ = c.GetOrSet(ctx, 1, load)
	_, _ = c.GetOrSet(ctx, 1, load)
	_, _ = c.GetOrSet(ctx, 2, func(context.Context, int) (string, error) { return "", loader.ErrNotFound })
	_, _ = c.GetOrSet(ctx, 2, load)
	_, _ = c.GetOrSet(ctx, 3, func(context.Context, int) (string, error) { return "", errSource })
	_, _ = c.GetOrSet(ctx, 4, func(ctx context.Context, key int) (string, error) {
		return "old", c.Delete(ctx, key)
	})
	srv.Fail(cachetest.All, errBusy)
	_ = c.Set(ctx, 1, "one")
	return rec
}

func TestRecorder(t *testing.T) {
	rec := recorded(t)
	want := []string{
		"lookup name:1 Missing",
		"load name:1 LoadOK",
		"write name:1",
		"lookup name:1 Present from Redis",
		"lookup name:2 Missing",
		"load name:2 LoadNotFound",
		"write name:2",
		"lookup name:2 Absent from Redis",
		"lookup name:3 Missing",
		"load name:3 LoadFailed",
		"lookup name:4 Missing",
		"delete name:4",
		"load name:4 LoadOK",
		"write name:4 refused, a write came first",
		"error Set name:1: redis failed",
		"write name:1 WriteRedisFailed",
	}
	if got := rec.Lines(); !slices.Equal(got, want) {
		t.Errorf("lines\n%q\nwant\n%q", got, want)
	}
	for _, tt := range []struct {
		what      string
		got, want int
	}{
		{"events", len(rec.Events()), len(want)},
		{"lookups", len(rec.Lookups()), 6},
		{"hits", len(rec.Lookups(cache.Present)), 1},
		{"lookups without a value", len(rec.Lookups(cache.Missing, cache.Absent)), 5},
		{"lookups from Redis", len(rec.LookupsFrom(cache.Redis)), 6},
		{"hits from Redis", len(rec.LookupsFrom(cache.Redis, cache.Present, cache.Absent)), 2},
		{"lookups from memory", len(rec.LookupsFrom(cache.Near)), 0},
		{"loads", len(rec.Loads()), 4},
		{"loads that failed", len(rec.Loads(cache.LoadFailed, cache.LoadPanicked)), 1},
		{"writes", len(rec.Writes()), 2},
		{"writes of any kind", len(rec.WritesBy()), 5},
		{"deletes", len(rec.WritesBy(cache.OpDelete)), 1},
		{"writes that were not done", len(rec.NotStored()), 2},
		{"writes that a write came before", len(rec.NotStored(cache.WriteFenced)), 1},
		{"errors", len(rec.Errors()), 1},
		{"errors of Redis", len(rec.Errors(cache.ErrDecode, cache.ErrRedis)), 1},
		{"errors of others", len(rec.Errors(cache.ErrDecode)), 0},
	} {
		if tt.got != tt.want {
			t.Errorf("%d %s, want %d", tt.got, tt.what, tt.want)
		}
	}

	events := rec.Events()
	events[0] = nil
	if rec.Events()[0] == nil {
		t.Error("Events hands out the recorder's own slice")
	}
	rec.Reset()
	if n := len(rec.Events()); n != 0 {
		t.Errorf("%d events after Reset", n)
	}
}

func TestRecorderLinesOfABackgroundLoad(t *testing.T) {
	var rec cachetest.Recorder
	keys := []string{"a", "b"}
	rec.Observer().Load(t.Context(), cache.LoadEvent{Keys: keys, Background: true})
	keys[0] = "reused"
	if got := rec.Lines(); !slices.Equal(got, []string{"load a b LoadOK in the background"}) {
		t.Errorf("lines %q", got)
	}
}

func TestRecorderOfABreaker(t *testing.T) {
	var rec cachetest.Recorder
	tell := cache.Join(rec.Observer()).Breaker
	tell(t.Context(), cache.BreakerEvent{Cache: "name", State: cache.BreakerOpen})
	tell(t.Context(), cache.BreakerEvent{Cache: "name"})
	want := []string{"breaker of name BreakerOpen", "breaker of name BreakerClosed"}
	if got := rec.Lines(); !slices.Equal(got, want) || len(rec.Breakers()) != 2 {
		t.Errorf("lines %q, %d changes", got, len(rec.Breakers()))
	}
}

func TestRecorderOfANearCache(t *testing.T) {
	var rec cachetest.Recorder
	tell := cache.Join(rec.Observer()).Near
	tell(t.Context(), cache.NearEvent{Cache: "name", State: cache.NearConnected})
	tell(t.Context(), cache.NearEvent{Cache: "name", State: cache.NearDisconnected})
	want := []string{"near cache of name NearConnected", "near cache of name NearDisconnected"}
	if got := rec.Lines(); !slices.Equal(got, want) || len(rec.NearChanges()) != 2 {
		t.Errorf("lines %q, %d changes", got, len(rec.NearChanges()))
	}
}

func TestRecorderOfADelivery(t *testing.T) {
	var rec cachetest.Recorder
	tell := cache.Join(rec.Observer()).Delivery
	tell(t.Context(), cache.DeliveryEvent{Key: "k"})
	tell(t.Context(), cache.DeliveryEvent{Outcome: cache.BypassBegan})
	want := []string{"delivery k DeliveryDone", "delivery BypassBegan"}
	if got := rec.Lines(); !slices.Equal(got, want) || len(rec.Deliveries()) != 2 {
		t.Errorf("lines %q, %d deliveries", got, len(rec.Deliveries()))
	}
}

func TestRecorderWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := cachetest.Record()
		cfg := names
		cfg.Observer = rec.Observer()
		c := cachetest.New(t, cfg)
		for i := range 3 {
			time.AfterFunc(time.Duration(i+1)*time.Second, func() { _, _ = c.GetOrSet(t.Context(), i, load) })
		}
		began := time.Now()
		for n := 2; n <= 3; n++ {
			err := rec.Wait(t.Context(), func() bool { return len(rec.Loads()) >= n })
			if waited := time.Since(began); err != nil || waited != time.Duration(n)*time.Second {
				t.Errorf("load %d: %v after %v", n, err, waited)
			}
		}
		if err := rec.Wait(t.Context(), func() bool { return true }); err != nil {
			t.Errorf("for what is true: %v", err)
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		if err := rec.Wait(ctx, func() bool { return false }); err != cause {
			t.Errorf("for what never comes: %v", err)
		}
	})
}

func TestRecorderConcurrently(t *testing.T) {
	t.Parallel()
	rec := cachetest.Record()
	cfg := patient
	cfg.Observer = rec.Observer()
	c := cachetest.New(t, cfg)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if err := c.Set(t.Context(), i, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
			_ = rec.Lines()
		})
		group.Go(func() {
			if err := rec.Wait(t.Context(), func() bool { return len(rec.Writes()) == 8 }); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
