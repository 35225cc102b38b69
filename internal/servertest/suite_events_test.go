package servertest

import (
	"errors"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/testcache"
)

// caseEvents tells a short story and checks every event and count of it.
func caseEvents[V any](t *testing.T, b *bench[V]) {
	var r, joined cachetest.Recorder
	c := b.open(t, func(cfg *cache.Config[string, V]) {
		cfg.Observer = cache.Join(r.Observer(), cache.Observer{}, joined.Observer())
	})
	ctx := t.Context()
	failure := errors.New("no source")
	runs := 0
	_, _ = c.GetOrSet(ctx, "k", testcache.Value(b.one, &runs))
	_, _ = c.GetOrSet(ctx, "k", testcache.Value(b.one, &runs))
	_, _, _ = c.Get(ctx, "k")
	_, _ = c.GetOrSet(ctx, "absent", testcache.Failing[V](cache.ErrNotFound))
	_, _, _ = c.Get(ctx, "other")
	_, _ = c.Entry(ctx, "absent")
	_, _ = c.GetOrSet(ctx, "other", testcache.Failing[V](failure))
	_, _ = c.Refresh(ctx, "k", testcache.Value(b.two, &runs))
	_ = c.Set(ctx, "k", b.one)
	_, _ = c.SetIfAbsent(ctx, "k", b.two)
	_, _ = c.SetIfAbsent(ctx, "new", b.two)
	_ = c.SetAbsent(ctx, "new")
	_, _ = c.Touch(ctx, "k")
	_, _ = c.Touch(ctx, "new")
	_ = c.Delete(ctx, "k", "new")

	if len(joined.Lookups()) != len(r.Lookups()) || len(joined.Loads()) != len(r.Loads()) || len(joined.WritesBy()) != len(r.WritesBy()) {
		t.Error("the two joined observers heard different events")
	}
	var states []cache.State
	for _, e := range r.Lookups() {
		states = append(states, e.State)
		if e.Cache != b.name || e.Source != cache.Redis || e.Duration < 0 || e.Key == "" {
			t.Errorf("lookup event %+v", e)
		}
	}
	// Get cannot tell absent from missing where it does without a second read; Entry can.
	testcache.Want(t, "states of lookups", states, nil, []cache.State{
		cache.Missing, cache.Present, cache.Present, cache.Missing, cache.Missing, cache.Absent, cache.Missing,
	})
	var outcomes []cache.Outcome
	for _, e := range r.Loads() {
		outcomes = append(outcomes, e.Outcome)
		if e.Cache != b.name || len(e.Keys) != 1 || e.Callers != 1 || e.Background || (e.Outcome == cache.LoadOK) != (e.Err == nil) {
			t.Errorf("load event %+v", e)
		}
	}
	testcache.Want(t, "outcomes", outcomes, nil, []cache.Outcome{cache.LoadOK, cache.LoadNotFound, cache.LoadFailed, cache.LoadOK})
	key, minute := c.RedisKey, time.Minute
	one, two := b.size(t, b.one), b.size(t, b.two)
	wanted := []cache.WriteEvent{
		{Op: cache.OpGetOrSet, Key: key("k"), State: cache.Present, Bytes: one, TTL: time.Hour},
		{Op: cache.OpGetOrSet, Key: key("absent"), State: cache.Absent, TTL: minute},
		{Op: cache.OpRefresh, Key: key("k"), State: cache.Present, Bytes: two, TTL: time.Hour},
		{Op: cache.OpSet, Key: key("k"), State: cache.Present, Bytes: one, TTL: time.Hour},
		{Op: cache.OpSetIfAbsent, Key: key("k"), State: cache.Present, Bytes: two, TTL: time.Hour, Outcome: cache.WriteUnchanged},
		{Op: cache.OpSetIfAbsent, Key: key("new"), State: cache.Present, Bytes: two, TTL: time.Hour},
		{Op: cache.OpSetAbsent, Key: key("new"), State: cache.Absent, TTL: minute},
		{Op: cache.OpTouch, Key: key("k"), State: cache.Present, TTL: time.Hour},
		{Op: cache.OpTouch, Key: key("new"), State: cache.Present, TTL: time.Hour, Outcome: cache.WriteUnchanged},
		{Op: cache.OpDelete, Key: key("k")}, {Op: cache.OpDelete, Key: key("new")},
	}
	for i := range wanted {
		wanted[i].Cache = b.name
	}
	testcache.Want(t, "write events", r.WritesBy(), nil, wanted)
	if errs := r.Errors(); len(errs) != 0 {
		t.Errorf("error events %v, want none", errs)
	}
	testcache.Want(t, "Stats", c.Stats(), nil, cache.Stats{Hits: 2, AbsentHits: 1, Misses: 4, Loads: 4, LoadErrors: 1, Loaded: 3, LoadStores: 3, Stores: 6})
}

// size is the number of bytes of an encoded value, field names included.
func (b *bench[V]) size(t testing.TB, v V) (n int) {
	t.Helper()
	var w codec.Wire
	if err := b.codec.Encode(&w, &v); err != nil {
		t.Fatal(err)
	}
	for i := range w.Len() {
		n += len(w.Name(i)) + len(w.Value(i))
	}
	return n
}
