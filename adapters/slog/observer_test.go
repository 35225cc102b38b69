package asideslog

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
)

// plain leaves the time out, and durations, which differ.
func plain(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == "duration" || a.Key == "after" {
		return slog.Attr{}
	}
	return a
}

func logged(level slog.Level, opts ...Option) (*bytes.Buffer, cache.Observer) {
	var out bytes.Buffer
	return &out, Observer(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: plain})), opts...)
}

// says checks what was logged, and forgets it.
func says(t *testing.T, what string, out *bytes.Buffer, wanted string) {
	t.Helper()
	if got := out.String(); got != wanted {
		t.Errorf("%s: logged %q, want %q", what, got, wanted)
	}
	out.Reset()
}

func TestLevels(t *testing.T) {
	boom := errors.New("boom")
	own := &cache.Error{Op: cache.OpGet, Cache: "user", Key: "user:1", Kind: cache.ErrRedis, Err: boom}
	const key = "user:1"
	for what, test := range map[string]struct {
		tell func(cache.Observer)
		want string
	}{
		"load failed": {func(o cache.Observer) {
			o.Load(t.Context(), cache.LoadEvent{Cache: "user", Keys: []string{key}, Callers: 3, Outcome: cache.LoadFailed, Err: boom})
		}, "level=WARN msg=\"aside: load failed\" cache=user callers=3 keys=1 err=boom key=user:1\n"},
		"batch failed": {func(o cache.Observer) {
			o.Load(t.Context(), cache.LoadEvent{Cache: "user", Keys: []string{key, key}, Callers: 1, Outcome: cache.LoadFailed, Err: boom})
		}, "level=WARN msg=\"aside: load failed\" cache=user callers=1 keys=2 err=boom\n"},
		"loader panicked": {func(o cache.Observer) {
			o.Load(t.Context(), cache.LoadEvent{Cache: "user", Keys: []string{key}, Callers: 1, Outcome: cache.LoadPanicked, Err: boom})
		}, "level=ERROR msg=\"aside: loader panicked\" cache=user callers=1 keys=1 err=boom key=user:1\n"},
		"load ended well": {func(o cache.Observer) {
			o.Load(t.Context(), cache.LoadEvent{Cache: "user", Keys: []string{key}, Outcome: cache.LoadOK})
			o.Load(t.Context(), cache.LoadEvent{Cache: "user", Keys: []string{key}, Outcome: cache.LoadNotFound, Err: cache.ErrNotFound})
			o.Load(t.Context(), cache.LoadEvent{Cache: "user", Keys: []string{key}, Outcome: cache.LoadCancelled, Err: context.Canceled})
		}, ""},
		"fenced": {func(o cache.Observer) {
			o.Write(t.Context(), cache.WriteEvent{Cache: "user", Op: cache.OpGetOrSet, Key: key, Outcome: cache.WriteFenced})
		}, "level=DEBUG msg=\"aside: not stored: overtaken by a write\" cache=user op=GetOrSet key=user:1 outcome=WriteFenced\n"},
		"out of memory": {func(o cache.Observer) {
			o.Write(t.Context(), cache.WriteEvent{Cache: "user", Op: cache.OpSet, Key: key, Outcome: cache.WriteOutOfMemory, Err: boom})
		}, "level=WARN msg=\"aside: not stored\" cache=user op=Set key=user:1 outcome=WriteOutOfMemory err=boom\n"},
		"stored": {func(o cache.Observer) {
			o.Write(t.Context(), cache.WriteEvent{Cache: "user", Op: cache.OpSet, Key: key, Outcome: cache.WriteOK})
			o.Write(t.Context(), cache.WriteEvent{Cache: "user", Op: cache.OpSet, Key: key, Outcome: cache.WriteNoStore})
		}, ""},
		"redis failed": {func(o cache.Observer) { o.Error(t.Context(), own) },
			"level=WARN msg=\"aside: redis failed\" cache=user op=Get key=user:1 err=\"aside: Get user \\\"user:1\\\": redis failed: boom\"\n"},
		"broken": {func(o cache.Observer) { o.Error(t.Context(), &cache.Error{Cache: "user", Kind: cache.ErrDecode}) },
			"level=WARN msg=\"aside: broken entry\" cache=user op=\"\" err=\"aside:  user: the entry cannot be decoded\"\n"},
		"stale": {func(o cache.Observer) { o.Error(t.Context(), &cache.Error{Cache: "user", Kind: cache.ErrStale}) },
			"level=WARN msg=\"aside: stale value returned\" cache=user op=\"\" err=\"aside:  user: the load failed, and a stale value was returned\"\n"},
		"panic": {func(o cache.Observer) { o.Error(t.Context(), &cache.Error{Cache: "user", Kind: cache.ErrPanic}) },
			"level=ERROR msg=\"aside: function panicked\" cache=user op=\"\" err=\"aside:  user: the loader panicked\"\n"},
		"breaker opened": {func(o cache.Observer) {
			o.Breaker(t.Context(), cache.BreakerEvent{Cache: "user", Server: "10.0.0.1:6379", State: cache.BreakerOpen, Err: boom})
		}, "level=ERROR msg=\"aside: breaker opened: redis is not asked\" cache=user server=10.0.0.1:6379 err=boom\n"},
		"breaker closed": {func(o cache.Observer) { o.Breaker(t.Context(), cache.BreakerEvent{Cache: "user"}) },
			"level=INFO msg=\"aside: breaker closed: redis is asked again\" cache=user\n"},
		"outdated": {func(o cache.Observer) {
			o.Lookup(t.Context(), cache.LookupEvent{Cache: "user", Key: key, Outdated: true})
		}, "level=DEBUG msg=\"aside: entry of another schema\" cache=user key=user:1\n"},
		"near cache disconnected": {func(o cache.Observer) {
			o.Near(t.Context(), cache.NearEvent{Cache: "user", State: cache.NearDisconnected, Err: boom})
		}, "level=WARN msg=\"aside: near cache rests: redis does not tell of writes\" cache=user err=boom\n"},
		"near cache connected": {func(o cache.Observer) {
			o.Near(t.Context(), cache.NearEvent{Cache: "user", State: cache.NearConnected})
		}, "level=INFO msg=\"aside: near cache serves: redis tells of writes\" cache=user\n"},
		"missed": {func(o cache.Observer) {
			o.Audit(t.Context(), cache.AuditEvent{Cache: "user", Key: key, Result: cache.AuditMissed, Fields: []string{"Name", "Address.City"}, Cached: cache.Present, Loaded: cache.Present})
		}, "level=WARN msg=\"aside: nobody has invalidated an entry\" cache=user key=user:1 fields=\"[Name Address.City]\" cached=Present loaded=Present repaired=false\n"},
		"audits that find no fault": {func(o cache.Observer) {
			for _, r := range []cache.AuditResult{cache.AuditEqual, cache.AuditOvertaken, cache.AuditLate} {
				o.Audit(t.Context(), cache.AuditEvent{Cache: "user", Key: key, Result: r})
			}
		}, ""},
		"hot key": {func(o cache.Observer) {
			o.Hot(t.Context(), cache.HotEvent{Cache: "user", HotKey: cache.HotKey{Key: key, Share: 0.123456, PerSecond: 4321.9}})
		}, "level=INFO msg=\"aside: key is hot\" cache=user key=user:1 share=0.123 per_second=4322\n"},
		"delete given up": {func(o cache.Observer) {
			o.Delivery(t.Context(), cache.DeliveryEvent{Cache: "user", Key: key, Outcome: cache.DeliveryGivenUp})
		}, "level=ERROR msg=\"aside: delete given up\" cache=user key=user:1\n"},
		"delivered": {func(o cache.Observer) {
			o.Delivery(t.Context(), cache.DeliveryEvent{Cache: "user", Key: key, Outcome: cache.DeliveryDone})
		}, ""},
		"bypass": {func(o cache.Observer) {
			o.Delivery(t.Context(), cache.DeliveryEvent{Cache: "user", Outcome: cache.BypassBegan})
		}, "level=ERROR msg=\"aside: no key is cached: too many deletes are undelivered\" cache=user\n"},
		"bypass over": {func(o cache.Observer) {
			o.Delivery(t.Context(), cache.DeliveryEvent{Cache: "user", Outcome: cache.BypassEnded})
		}, "level=INFO msg=\"aside: keys are cached again\" cache=user\n"},
		"a hit": {func(o cache.Observer) {
			o.Lookup(t.Context(), cache.LookupEvent{Cache: "user", Key: key, State: cache.Present})
		}, ""},
	} {
		out, o := logged(slog.LevelDebug)
		test.tell(o)
		says(t, what, out, test.want)
	}
}

// A kind of record of a cache is logged once a second, and says what was left out; other kinds and
// caches have their own second. What the logger does not log is not counted.
func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, o := logged(slog.LevelInfo)
		fail := func(name string) {
			o.Load(t.Context(), cache.LoadEvent{Cache: name, Keys: []string{"k"}, Outcome: cache.LoadFailed})
		}
		fail("user")
		out.Reset()
		fail("user")
		fail("user")
		says(t, "within the second", out, "")
		fail("order")
		if !strings.Contains(out.String(), "cache=order") {
			t.Error("another cache was left out")
		}
		out.Reset()
		o.Breaker(t.Context(), cache.BreakerEvent{Cache: "user"})
		if !strings.Contains(out.String(), "breaker closed") {
			t.Error("another kind was left out")
		}
		out.Reset()
		time.Sleep(time.Second)
		fail("user")
		if !strings.Contains(out.String(), "left_out=2") {
			t.Errorf("after a second: logged %q", out)
		}
		out.Reset()
		time.Sleep(time.Second)
		fail("user")
		if strings.Contains(out.String(), "left_out") {
			t.Errorf("with nothing left out: logged %q", out)
		}
		o.Write(t.Context(), cache.WriteEvent{Cache: "quiet", Outcome: cache.WriteFenced})
		out.Reset()
		out, o = logged(slog.LevelInfo, Every(0))
		fail("user")
		fail("user")
		if got := strings.Count(out.String(), "load failed"); got != 2 {
			t.Errorf("without a limit %d of 2 were logged", got)
		}
	})
}

func TestWithoutKeys(t *testing.T) {
	out, o := logged(slog.LevelDebug, WithoutKeys())
	server := cachetest.NewServer(t)
	users := cachetest.NewOn(t, server, cache.Config[string, string]{Name: "user", TTL: time.Hour, Observer: o})
	server.Down()
	_, _ = users.GetOrSet(t.Context(), "secret", func(context.Context, string) (string, error) { return "", errors.New("no row") })
	o.Error(t.Context(), &cache.Error{Cache: "user", Op: cache.OpSet, Key: "secret"})
	if got := out.String(); strings.Contains(got, "secret") || !strings.Contains(got, "redis failed") || !strings.Contains(got, "no row") || !strings.Contains(got, "impossible") {
		t.Errorf("logged %q", got)
	}
}

// What is served and stored without a fault is not logged.
func TestQuiet(t *testing.T) {
	out, o := logged(slog.LevelDebug)
	users := cachetest.New(t, cache.Config[string, string]{Name: "user", TTL: time.Hour, Observer: o})
	for range 3 {
		if _, err := users.GetOrSet(t.Context(), "a", func(context.Context, string) (string, error) { return "v", nil }); err != nil {
			t.Fatal(err)
		}
	}
	says(t, "a cache at work", out, "")
}
