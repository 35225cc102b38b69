package cache_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// readOften looks a key up so often that the sample has it, whatever that picks.
func readOften[K comparable, V any](t testing.TB, c *cache.Cache[K, V], key K, times int) {
	t.Helper()
	for range times {
		if _, _, err := c.Get(background, key); err != nil {
			t.Fatal(err)
		}
	}
}

// The keys that are looked up most are named, first those with most, whether the near cache, Redis
// or nobody has them, with their shares of the lookups of all caches on the client.
func TestHotKeys(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var registry cache.Registry
		var mu sync.Mutex
		var events []cache.HotEvent
		hears := cache.Observer{Hot: func(_ context.Context, e cache.HotEvent) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, e)
		}}
		near := open(t, env.Client, cache.Config[string, string]{Name: "near", Near: ttlOnly, Observer: cache.Join(hears, hears)})
		plain := open(t, env.Client, cache.Config[int, string]{Name: "plain", Registry: &registry})
		if keys := near.HotKeys(); len(keys) != 0 {
			t.Errorf("before any lookup: %+v", keys)
		}
		stored(t, near, "a", "v")
		began := time.Now()
		for range 100 {
			readOften(t, near, "a", 600)
			readOften(t, plain, 1, 300)
			readOften(t, near, "none", 100)
			time.Sleep(100 * time.Millisecond)
		}
		lookups := 100 / time.Since(began).Seconds()
		for what, tt := range map[string]struct {
			got  []cache.HotKey
			want []string
			each []float64 // lookups a round
		}{
			"with a near cache":        {near.HotKeys(), []string{"near:a", "near:none"}, []float64{600, 100}},
			"without one, by registry": {registry.Caches()[0].HotKeys(), []string{"plain:1"}, []float64{300}},
		} {
			if len(tt.got) != len(tt.want) {
				t.Errorf("%s: %+v", what, tt.got)
				continue
			}
			for i, k := range tt.got {
				share, rate := tt.each[i]/1000, tt.each[i]*lookups
				if k.Key != tt.want[i] || k.Share < share/1.5 || k.Share > share*1.5 || k.PerSecond < rate/1.5 || k.PerSecond > rate*1.5 {
					t.Errorf("%s: %+v, want %s with %.2f, %.0f/s", what, k, tt.want[i], share, rate)
				}
			}
		}
		if s := near.Stats(); s.HotKeys != 2 || s.HotShare != near.HotKeys()[0].Share {
			t.Errorf("%d hot keys, the first with %v", s.HotKeys, s.HotShare)
		}
		told := make(map[string]int)
		for _, e := range events {
			told[e.Cache+" "+e.Key]++
			if e.Share < 0.01 || e.PerSecond <= 0 {
				t.Errorf("%+v", e)
			}
		}
		if len(told) != 2 || told["near near:a"] != 2 || told["near near:none"] != 2 { // two observers
			t.Errorf("told of %v", told)
		}
		time.Sleep(time.Hour)
		if keys := near.HotKeys(); len(keys) != 0 {
			t.Errorf("after an hour: %+v", keys)
		}
	})
}

// Whatever looks keys up counts.
func TestHotKeysOfEachMethod(t *testing.T) {
	const times = 3000
	for name, call := range map[string]func(c *cache.Cache[string, person]) error{
		"Get": func(c *cache.Cache[string, person]) error { _, _, err := c.Get(background, "k"); return err },
		"Entry": func(c *cache.Cache[string, person]) error {
			_, err := c.Entry(background, "k")
			return err
		},
		"GetMany": func(c *cache.Cache[string, person]) error {
			_, err := c.GetMany(background, []string{"k", "k"})
			return err
		},
		"GetOrSet": func(c *cache.Cache[string, person]) error {
			_, err := c.GetOrSet(background, "k", never[person](t))
			return err
		},
		"GetOrSetMany": func(c *cache.Cache[string, person]) error {
			_, err := c.GetOrSetMany(background, []string{"k"}, neverMany[person](t))
			return err
		},
		"GetFields": func(c *cache.Cache[string, person]) error {
			var name string
			_, err := c.GetFields(background, "k", nil, nameField.Into(&name))
			return err
		},
	} {
		for _, near := range []cache.NearConfig{{}, ttlOnly} {
			t.Run(fmt.Sprint(name, ", near: ", near != cache.NearConfig{}), func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					c := open(t, env.Client, cache.Config[string, person]{Codec: persons, Near: near})
					if err := c.Set(background, "k", ann); err != nil {
						t.Fatal(err)
					}
					for range times {
						if err := call(c); err != nil {
							t.Fatal(err)
						}
					}
					if keys := c.HotKeys(); len(keys) != 1 || keys[0].Key != "test:k" || keys[0].PerSecond < times/2 || keys[0].PerSecond > times*2 {
						t.Errorf("%+v", keys)
					}
				})
			})
		}
	}
}

// With HotOnly the near cache keeps what is looked up often, and nothing else.
func TestNearHotOnly(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		near := ttlOnly
		near.HotOnly, near.MaxEntries = true, 3
		c := open(t, env.Client, cache.Config[string, string]{Near: near})
		cold := make([]string, 1000)
		for i := range cold {
			cold[i] = fmt.Sprint("cold", i)
		}
		if err := c.SetMany(background, map[string]string{"hot": "v", cold[0]: "v", cold[1]: "v"}); err != nil {
			t.Fatal(err)
		}
		read := func() {
			for _, key := range cold {
				if _, err := c.GetOrSet(background, key, func(context.Context, string) (string, error) { return "v", nil }); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := c.GetMany(background, cold); err != nil {
				t.Fatal(err)
			}
		}
		read()
		if s := c.Stats(); s.NearEntries != 0 || s.NearHits != 0 {
			t.Errorf("before any key is hot: %d entries, %d hits", s.NearEntries, s.NearHits)
		}
		readOften(t, c, "hot", 3000)
		wantSource(t, c, "hot", cache.Near, cache.Present)
		read()
		for _, key := range cold {
			wantSource(t, c, key, cache.Redis, cache.Present)
		}
		readOften(t, c, "none", 3000)
		if _, err := c.GetOrSet(background, "none", failing[string](cache.ErrNotFound)); err != cache.ErrNotFound {
			t.Fatal(err)
		}
		_, _ = c.GetOrSet(background, "none", failing[string](cache.ErrNotFound))
		wantSource(t, c, "none", cache.Near, cache.Absent)
		before := env.Mini.CommandCount()
		readOften(t, c, "hot", 10)
		if n := env.Mini.CommandCount() - before; n != 0 {
			t.Errorf("%d commands for what is kept", n)
		}
		if s := c.Stats(); s.NearEntries != 2 || s.NearEvictions != 0 {
			t.Errorf("%d entries, %d evictions", s.NearEntries, s.NearEvictions)
		}
		time.Sleep(time.Hour) // the key cools down and the entry ends
		if err := c.Set(background, "hot", "v"); err != nil {
			t.Fatal(err)
		}
		wantSource(t, c, "hot", cache.Redis, cache.Present)
		wantSource(t, c, "hot", cache.Redis, cache.Present)
	})
}

// A function of the observer that panics, as it is told of a hot key, harms no lookup.
func TestHotPanic(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		o := r.observer()
		o.Hot = func(context.Context, cache.HotEvent) { panic("oh") }
		c := open(t, env.Client, cache.Config[string, string]{Observer: o})
		readOften(t, c, "k", 3000)
		if e := r.take().errors; len(e) != 1 {
			t.Errorf("%d errors, want 1", len(e))
		}
	})
}

// To count a lookup allocates nothing.
func TestHotAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	near := ttlOnly
	near.TTL = time.Hour
	env := redistest.Mini(t)
	c := open(t, env.Client, cache.Config[int64, string]{Name: strings.Repeat("long", 20), Near: near})
	if err := c.Set(background, 42, "v"); err != nil {
		t.Fatal(err)
	}
	wantSource(t, c, 42, cache.Redis, cache.Present)
	readOften(t, c, 42, 3000)
	if n := testing.AllocsPerRun(1, func() { readOften(t, c, 42, 6400) }); n > 2 {
		t.Errorf("%v allocations in 6400 lookups", n)
	}
	if len(c.HotKeys()) != 1 {
		t.Error("they were not counted")
	}
}
