package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// recordDeliveries returns the deliveries that an observer was told of, each of which it is told
// once.
func recordDeliveries(cfg *cache.Config[string, string], r *recorder) func() map[string]cache.DeliveryOutcome {
	var all []cache.DeliveryEvent
	cfg.Observer.Delivery = func(_ context.Context, e cache.DeliveryEvent) { record(r, &all, e) }
	return func() map[string]cache.DeliveryOutcome {
		r.mu.Lock()
		defer r.mu.Unlock()
		told := map[string]cache.DeliveryOutcome{}
		for _, e := range all {
			if _, twice := told[e.Key]; twice {
				told[e.Key+" twice"] = e.Outcome
			}
			told[e.Key] = e.Outcome
		}
		return told
	}
}

// A server that is away gets the delete when it is back, by any client.
func TestG9DeliveredAfterANight(t *testing.T) {
	eachNight(t, func(t *testing.T, f *faults, rdb redis.UniversalClient, begin, end func()) {
		c := open(t, rdb, cache.Config[string, string]{TTL: cache.Forever})
		mustSet(t, c, map[string]string{"k": "old"})
		begin()
		for range 8 {
			if err := c.Set(t.Context(), "k", "new"); err == nil {
				t.Fatal("Set without Redis")
			}
		}
		began := time.Now()
		wantGet(t, c, "k", nil)
		if took := time.Since(began); took > 0 {
			t.Errorf("Get took %v", took)
		}
		time.Sleep(10 * time.Minute)
		end()
		wantGet(t, c, "k", nil)
		time.Sleep(3 * time.Second)
		if s := c.Stats(); s.Undelivered != 0 || s.Delivered != 1 {
			t.Errorf("Stats = %+v", s)
		}
		v, err := c.GetOrSet(t.Context(), "k", value("fresh", new(int)))
		want(t, "GetOrSet", v, err, "fresh")
		wantGet(t, c, "k", &[]string{"fresh"}[0])
	})
}

// When the longest TTL has passed, and an hour, Redis has nothing any more that was to be deleted.
func TestG9DeliveryGivenUp(t *testing.T) {
	for _, tt := range []struct{ ttl, option, want time.Duration }{
		{time.Minute, 0, time.Hour},
		{3 * time.Hour, 0, 3 * time.Hour},
		{time.Minute, 5 * time.Hour, 5 * time.Hour},
	} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			var r recorder
			cfg := cache.Config[string, string]{TTL: tt.ttl, Jitter: -1}
			deliveries := recordDeliveries(&cfg, &r)
			c := open(t, env.Client, cfg)
			if err := c.Set(t.Context(), "k", "old", cache.TTL(max(tt.option, tt.ttl))); err != nil {
				t.Fatal(err)
			}
			refuseWrites(env)
			if err := c.Delete(t.Context(), "k"); err == nil {
				t.Fatal("Delete")
			}
			time.Sleep(tt.want - time.Minute)
			if n := c.Stats().Undelivered; n != 1 {
				t.Errorf("%d are undelivered after %v, want 1", n, tt.want-time.Minute)
			}
			time.Sleep(2 * time.Minute)
			if s := c.Stats(); s.Undelivered != 0 || s.DeliveryGivenUp != 1 {
				t.Errorf("Stats after %v = %+v", tt.want+time.Minute, s)
			}
			if told := deliveries(); told[c.RedisKey("k")] != cache.DeliveryGivenUp {
				t.Errorf("the observer was told %v", told)
			}
		})
	}
}
