package cache_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// ttlOnly is a near cache that nobody tells of writes.
var ttlOnly = cache.NearConfig{MaxEntries: 1000, TTL: time.Minute, Coherence: cache.TTLOnly}

// wantSource looks a key up and says where the answer has to come from.
func wantSource[K comparable, V any](t *testing.T, c *cache.Cache[K, V], key K, source cache.Source, state cache.State) cache.Entry[V] {
	t.Helper()
	e, err := c.Entry(background, key)
	if err != nil || e.Source != source || e.State != state {
		t.Errorf("Entry of %v: %+v, %v; want %v, %v", key, e, err, source, state)
	}
	return e
}

// stored stores a value, and has the near cache keep it.
func stored[V any](t *testing.T, c *cache.Cache[string, V], key string, v V) {
	t.Helper()
	if err := c.Set(background, key, v); err != nil {
		t.Fatal(err)
	}
	wantSource(t, c, key, cache.Redis, cache.Present)
	wantSource(t, c, key, cache.Near, cache.Present)
}

// A value that was read from Redis answers all methods that read, without Redis.
func TestNearAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		c := open(t, env.Client, cache.Config[string, person]{Near: ttlOnly, Codec: persons, Observer: r.observer()})
		runs := 0
		v, err := c.GetOrSet(t.Context(), "k", value(ann, &runs))
		want(t, "the load", v, err, ann)
		v, err = c.GetOrSet(t.Context(), "k", never[person](t))
		want(t, "what Redis has", v, err, ann)
		r.take()
		before := env.Mini.CommandCount()
		wantGet(t, c, "k", &ann)
		v, err = c.GetOrSet(t.Context(), "k", never[person](t))
		want(t, "GetOrSet", v, err, ann)
		v, err = c.GetOrSetEntry(t.Context(), "k", entryOf(never[person](t)), cache.TTL(time.Hour))
		want(t, "GetOrSetEntry", v, err, ann)
		all, err := c.GetMany(t.Context(), []string{"k", "k"})
		want(t, "GetMany", all["k"], err, ann)
		all, err = c.GetOrSetMany(t.Context(), []string{"k"}, neverMany[person](t))
		want(t, "GetOrSetMany", all["k"], err, ann)
		var name string
		ok, err := c.GetFields(t.Context(), "k", never[person](t), nameField.Into(&name))
		want(t, "GetFields", name, err, ann.Name)
		want(t, "GetFields", ok, err, true)
		e := wantSource(t, c, "k", cache.Near, cache.Present)
		want(t, "Entry", e.Value, nil, ann)
		if e.TTL < 50*time.Minute || e.TTL > time.Hour {
			t.Errorf("the TTL is %v", e.TTL)
		}
		if n := env.Mini.CommandCount() - before; n != 0 {
			t.Errorf("%d commands", n)
		}
		lookups := r.take().lookups
		for _, e := range lookups {
			if e.Source != cache.Near || e.State != cache.Present || e.Key != "test:k" {
				t.Errorf("%+v", e)
			}
		}
		if s := c.Stats(); len(lookups) != 7 || s.NearHits != 7 || s.Hits != 8 || s.Misses != 1 || s.NearEntries != 1 || s.NearBytes < 200 {
			t.Errorf("%d lookups, %+v", len(lookups), s)
		}
	})
}

func entryOf[V any](load func(context.Context, string) (V, error)) func(context.Context, string) (loader.Entry[V], error) {
	return func(ctx context.Context, key string) (e loader.Entry[V], err error) {
		e.Value, err = load(ctx, key)
		return e, err
	}
}

func neverMany[V any](t *testing.T) func(context.Context, []string) (map[string]V, error) {
	return func(context.Context, []string) (map[string]V, error) {
		t.Error("a load began")
		return nil, errors.New("a load that must not be")
	}
}

// Whatever this process writes on the client is seen at once, by whom it may be written.
func TestNearOwnWrites(t *testing.T) {
	type (
		people = *cache.Cache[string, person]
		hash   = *collection.Hash[string, person]
	)
	ctx := background
	load := func(context.Context, string) (person, error) { return bob, nil }
	pipe := func(queue func(*collection.Pipeline)) error {
		var p collection.Pipeline
		queue(&p)
		return p.Exec(ctx)
	}
	for name, write := range map[string]func(c people, h hash) error{
		"Set":               func(c people, _ hash) error { return c.Set(ctx, "k", bob) },
		"SetMany":           func(c people, _ hash) error { return c.SetMany(ctx, map[string]person{"k": bob, "l": ann}) },
		"SetIfAbsent":       func(c people, _ hash) error { _, err := c.SetIfAbsent(ctx, "k", bob); return err },
		"SetAbsent":         func(c people, _ hash) error { return c.SetAbsent(ctx, "k") },
		"Delete":            func(c people, _ hash) error { return c.Delete(ctx, "k") },
		"Delete of several": func(c people, _ hash) error { return c.Delete(ctx, "l", "k") },
		"Touch":             func(c people, _ hash) error { _, err := c.Touch(ctx, "k"); return err },
		"Refresh":           func(c people, _ hash) error { _, err := c.Refresh(ctx, "k", load); return err },

		"Set in a transaction": func(c people, _ hash) error {
			var p collection.Pipeline
			c.In(&p).Set("k", bob)
			return p.ExecAtomic(ctx)
		},
		"Set in a pipeline": func(c people, _ hash) error { return pipe(func(p *collection.Pipeline) { c.In(p).Set("k", bob) }) },
		"SetIfAbsent in a pipeline": func(c people, _ hash) error {
			return pipe(func(p *collection.Pipeline) { c.In(p).SetIfAbsent("k", bob) })
		},
		"SetAbsent in a pipeline": func(c people, _ hash) error { return pipe(func(p *collection.Pipeline) { c.In(p).SetAbsent("k") }) },
		"Delete in a pipeline":    func(c people, _ hash) error { return pipe(func(p *collection.Pipeline) { c.In(p).Delete("k") }) },
		"Touch in a pipeline":     func(c people, _ hash) error { return pipe(func(p *collection.Pipeline) { c.In(p).Touch("k") }) },

		"Set of a field":         func(_ people, h hash) error { return h.Set(ctx, "k", nameField.To("Bob")) },
		"Store":                  func(_ people, h hash) error { return h.Store(ctx, "k", bob) },
		"Delete of a collection": func(_ people, h hash) error { return h.Delete(ctx, "k") },
		"Set of a field in a pipeline": func(_ people, h hash) error {
			return pipe(func(p *collection.Pipeline) { h.In(p).Set("k", nameField.To("Bob")) })
		},
		"Store in a pipeline": func(_ people, h hash) error {
			return pipe(func(p *collection.Pipeline) { h.In(p).Store("k", bob) })
		},
		"Delete of a collection in a pipeline": func(_ people, h hash) error {
			return pipe(func(p *collection.Pipeline) { h.In(p).Delete("k") })
		},
	} {
		for _, by := range []string{"the cache", "another cache", "a cache of the next version"} {
			t.Run(name+" by "+by, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					cfg := cache.Config[string, person]{Codec: persons, Near: ttlOnly}
					var m interloper
					env.Client = env.NewClient(t)
					env.Client.AddHook(&m)
					c := open(t, env.Client, cfg)
					hcfg := collection.HashConfig[string, person]{Name: "test", TTL: time.Hour, Mapping: persons}
					other := c
					cfg.Near = cache.NearConfig{}
					switch by {
					case "another cache":
						other = open(t, env.Client, cfg)
					case "a cache of the next version":
						cfg.Version, hcfg.Version = 1, 1
						other = open(t, env.Client, cfg)
					}
					h, err := collection.NewHash(env.Client, hcfg)
					if err != nil {
						t.Fatal(err)
					}
					defer h.Close()
					stored(t, c, "k", ann)
					m.begin(func() { // what it finds is older than the write
						_, _ = c.Entry(ctx, "k", cache.SkipNear())
					})
					err = write(other, h)
					m.end()
					if err != nil {
						t.Fatal(err)
					}
					if e, err := c.Entry(ctx, "k"); err != nil || e.Source != cache.Redis {
						t.Errorf("%+v, %v: it comes from memory", e, err)
					}
				})
			})
		}
	}
}

// An interloper is a hook that does something before each command, but those of what it does.
type interloper struct{ do atomic.Pointer[func()] }

func (m *interloper) begin(do func()) { m.do.Store(&do) }
func (m *interloper) end()            { m.do.Store(nil) }

func (m *interloper) run() {
	if do := m.do.Swap(nil); do != nil {
		(*do)()
		m.do.Store(do)
	}
}

func (m *interloper) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *interloper) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		m.run()
		return next(ctx, cmd)
	}
}

func (m *interloper) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		m.run()
		return next(ctx, cmds)
	}
}

// What this process loads is seen by its other caches of the keys.
func TestNearSeesOwnLoads(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c, other := open(t, env.Client, config{Near: ttlOnly}), open(t, env.Client, config{})
		if err := c.SetAbsent(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		wantSource(t, c, "k", cache.Redis, cache.Absent)
		wantSource(t, c, "k", cache.Near, cache.Absent)
		v, err := other.Refresh(t.Context(), "k", func(context.Context, string) (string, error) { return "v", nil })
		want(t, "the load", v, err, "v")
		wantSource(t, c, "k", cache.Redis, cache.Present)
	})
}

// A call that expects nothing in Redis, and so does not read first, has what it finds there kept.
func TestNearKeepsWhatWasNotExpected(t *testing.T) {
	for name, tt := range map[string]struct {
		value string
		lease time.Duration
	}{
		"with the lease":       {"v", 0},
		"by a read":            {strings.Repeat("v", 20_000), 0},
		"by a read, no leases": {"v", cache.Off},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c := open(t, env.Client, config{Near: ttlOnly, Lease: tt.lease, TTL: time.Hour})
				other := open(t, env.NewClient(t), config{Lease: tt.lease, TTL: 30 * time.Second, Jitter: -1})
				if err := errors.Join(c.Delete(t.Context(), "k"), other.Set(t.Context(), "k", tt.value)); err != nil {
					t.Fatal(err)
				}
				v, err := c.GetOrSet(t.Context(), "k", never[string](t))
				want(t, "GetOrSet", v, err, tt.value)
				if e := wantSource(t, c, "k", cache.Near, cache.Present); e.TTL != 30*time.Second || e.Value != tt.value {
					t.Errorf("%d bytes for %v", len(e.Value), e.TTL)
				}
			})
		})
	}
}

// An entry ends when Redis's own does, or with the TTL of the near cache.
func TestNearTTL(t *testing.T) {
	for name, tt := range map[string]struct{ redis, near, want time.Duration }{
		"Redis's own":      {30 * time.Second, time.Minute, 30 * time.Second},
		"that of the tier": {time.Hour, time.Minute, time.Minute},
		"without an end":   {cache.Forever, time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				near := ttlOnly
				near.TTL = tt.near
				c := open(t, env.Client, config{Near: near, TTL: tt.redis, Jitter: -1})
				stored(t, c, "k", "v")
				time.Sleep(tt.want - time.Millisecond)
				e := wantSource(t, c, "k", cache.Near, cache.Present)
				if left := tt.redis - tt.want + time.Millisecond; tt.redis == cache.Forever && e.TTL != cache.Forever || tt.redis > 0 && e.TTL != left {
					t.Errorf("%v are left, want %v", e.TTL, left)
				}
				time.Sleep(time.Millisecond)
				then := cache.Present
				if tt.redis == tt.want {
					then = cache.Missing
				}
				wantSource(t, c, "k", cache.Redis, then)
			})
		})
	}
}

// Another process's write is unseen by TTLOnly until the TTL is over, and SkipNear sees it.
func TestNearSkip(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, config{Near: ttlOnly})
		elsewhere := open(t, env.NewClient(t), config{})
		stored(t, c, "k", "old")
		if err := elsewhere.Set(t.Context(), "k", "new"); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			what string
			opts []cache.Option
			want string
		}{
			{"before", nil, "old"}, {"SkipNear", []cache.Option{cache.SkipNear()}, "new"}, {"after", nil, "new"},
		} {
			v, ok, err := c.Get(t.Context(), "k", tt.opts...)
			want(t, tt.what, v, err, tt.want)
			want(t, tt.what, ok, err, true)
		}
	})
}

// That there is no value is served from memory, for less than a second: nobody tells of the Delete
// of what is not there. So it is with a value that is empty, which has no key in Redis.
func TestNearAbsence(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, []string]{Codec: codec.List(codec.Text[string]()), Near: ttlOnly})
		for _, tt := range []struct {
			key   string
			load  func(context.Context, string) ([]string, error)
			state cache.State
			err   error
		}{
			{"absent", failing[[]string](cache.ErrNotFound), cache.Absent, cache.ErrNotFound},
			{"empty", func(context.Context, string) ([]string, error) { return []string{}, nil }, cache.Present, nil},
		} {
			_, err := c.GetOrSet(t.Context(), tt.key, tt.load)
			want(t, tt.key, errors.Is(err, tt.err), nil, true)
			_, err = c.GetOrSet(t.Context(), tt.key, never[[]string](t))
			want(t, tt.key+" in Redis", errors.Is(err, tt.err), nil, true)
			before := env.Mini.CommandCount()
			_, err = c.GetOrSet(t.Context(), tt.key, never[[]string](t))
			want(t, tt.key+" in memory", errors.Is(err, tt.err), nil, true)
			all, err := c.GetOrSetMany(t.Context(), []string{tt.key}, neverMany[[]string](t))
			if _, ok := all[tt.key]; err != nil || ok != (tt.err == nil) {
				t.Errorf("%s: GetOrSetMany: %v, %v", tt.key, all, err)
			}
			wantSource(t, c, tt.key, cache.Near, tt.state)
			if n := env.Mini.CommandCount() - before; n != 0 {
				t.Errorf("%s: %d commands", tt.key, n)
			}
			time.Sleep(900 * time.Millisecond)
			wantSource(t, c, tt.key, cache.Near, tt.state)
			time.Sleep(100 * time.Millisecond)
			wantSource(t, c, tt.key, cache.Redis, tt.state)
		}
	})
}

// With Clone each caller has a value of its own, and so has the near cache.
func TestNearClone(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, []string]{Near: ttlOnly, Clone: slices.Clone[[]string]})
		if err := c.Set(t.Context(), "k", []string{"a"}); err != nil {
			t.Fatal(err)
		}
		for range 3 { // from Redis, and twice from memory
			for _, get := range []func() ([]string, error){
				func() ([]string, error) { return c.GetOrSet(t.Context(), "k", never[[]string](t)) },
				func() ([]string, error) { v, _, err := c.Get(t.Context(), "k"); return v, err },
				func() ([]string, error) { e, err := c.Entry(t.Context(), "k"); return e.Value, err },
				func() ([]string, error) { all, err := c.GetMany(t.Context(), []string{"k"}); return all["k"], err },
			} {
				v, err := get()
				if err != nil || len(v) != 1 || v[0] != "a" {
					t.Fatalf("%q, %v", v, err)
				}
				v[0] = "changed"
			}
		}
		if s := c.Stats(); s.NearHits != 11 {
			t.Errorf("%d near hits", s.NearHits)
		}
	})
}

// A near cache is empty once its cache is closed, and is not asked.
func TestNearClosed(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, config{Near: ttlOnly})
		stored(t, c, "k", "v")
		_ = c.Close()
		_, _, err := c.Get(t.Context(), "k")
		want(t, "Get", errors.Is(err, cache.ErrClosed), nil, true)
		if s := c.Stats(); s.NearEntries != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// What is stale is served from memory as well, and refreshed in the background by one load; a call
// that does not want it asks Redis.
func TestNearStale(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		cfg := staleConfig()
		cfg.Near = ttlOnly
		cfg.Near.TTL = time.Hour
		c := open(t, env.Client, cfg)
		var source versions
		_, _ = c.GetOrSet(t.Context(), "k", source.load)
		wantSource(t, c, "k", cache.Redis, cache.Present)
		time.Sleep(time.Minute + time.Second)
		e := wantSource(t, c, "k", cache.Near, cache.Stale)
		if e.TTL < 50*time.Second || e.TTL > 59*time.Second {
			t.Errorf("%v are left", e.TTL)
		}
		_, ok, err := c.Get(t.Context(), "k", cache.NoStale())
		want(t, "NoStale", ok, err, false)
		source.want(t, 1)
		for range 3 {
			v, err := c.GetOrSet(t.Context(), "k", source.load)
			want(t, "stale", v, err, "v1")
		}
		time.Sleep(2 * time.Second) // for the refresh
		source.want(t, 2)
		v, err := c.GetOrSet(t.Context(), "k", source.load)
		want(t, "refreshed", v, err, "v2")
		wantSource(t, c, "k", cache.Near, cache.Present)
		time.Sleep(time.Minute + time.Second)
		all, err := c.GetOrSetMany(t.Context(), []string{"k"}, func(ctx context.Context, keys []string) (map[string]string, error) {
			v, err := source.load(ctx, keys[0])
			return map[string]string{"k": v}, err
		})
		want(t, "stale, of many", all["k"], err, "v2")
		time.Sleep(2 * time.Second)
		source.want(t, 3)
		v, err = c.GetOrSet(t.Context(), "k", source.load)
		want(t, "refreshed, of many", v, err, "v3")
	})
}

// A hit allocates nothing, whatever its options, and what is absent neither.
func TestNearAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	near := ttlOnly
	near.TTL = time.Hour
	env := redistest.Mini(t)
	c := open(t, env.Client, cache.Config[int64, account]{Near: near, AbsentTTL: time.Hour})
	if err := c.Set(background, 42, sample); err != nil {
		t.Fatal(err)
	}
	wantSource(t, c, 42, cache.Redis, cache.Present)
	load := func(context.Context, int64) (account, error) { panic("a load of what is there") }
	loadEntry := func(context.Context, int64) (loader.Entry[account], error) { panic("a load of what is there") }
	for name, call := range map[string]func() error{
		"Get":              func() error { _, _, err := c.Get(background, 42); return err },
		"Get with NoStale": func() error { _, _, err := c.Get(background, 42, cache.NoStale()); return err },
		"GetOrSet":         func() error { _, err := c.GetOrSet(background, 42, load); return err },
		"GetOrSet with options": func() error {
			_, err := c.GetOrSet(background, 42, load, cache.TTL(time.Minute), cache.NoStale())
			return err
		},
		"GetOrSetEntry": func() error { _, err := c.GetOrSetEntry(background, 42, loadEntry); return err },
		"Entry":         func() error { _, err := c.Entry(background, 42); return err },
	} {
		if n := testing.AllocsPerRun(1000, func() {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if s := c.Stats(); s.NearHits < 6000 {
		t.Errorf("%d near hits", s.NearHits)
	}
}
