package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// A lookup that Redis does not answer is no miss: it has a state, a source and a count of
// its own, once a key, whatever the call then does.
func TestUnansweredLookups(t *testing.T) {
	load := func(context.Context, string) (string, error) { return "v", nil }
	many := func(_ context.Context, keys []string) (map[string]string, error) {
		return map[string]string{keys[0]: "v", keys[1]: "v"}, nil
	}
	lookups := map[string]struct {
		keys int
		call func(ctx context.Context, c *cache.Cache[string, string])
	}{
		"Get":   {1, func(ctx context.Context, c *cache.Cache[string, string]) { _, _, _ = c.Get(ctx, "k") }},
		"Entry": {1, func(ctx context.Context, c *cache.Cache[string, string]) { _, _ = c.Entry(ctx, "k") }},
		"GetMany": {2, func(ctx context.Context, c *cache.Cache[string, string]) {
			_, _ = c.GetMany(ctx, []string{"k", "l"})
		}},
		"GetOrSet": {1, func(ctx context.Context, c *cache.Cache[string, string]) { _, _ = c.GetOrSet(ctx, "k", load) }},
		"GetOrSetMany": {2, func(ctx context.Context, c *cache.Cache[string, string]) {
			_, _ = c.GetOrSetMany(ctx, []string{"k", "l"}, many)
		}},
		"Get and Entry in a pipeline": {2, func(ctx context.Context, c *cache.Cache[string, string]) {
			var p collection.Pipeline
			c.In(&p).Get("k")
			c.In(&p).Entry("k")
			_ = p.Exec(ctx)
		}},
	}
	for name, l := range lookups {
		for _, policy := range []cache.FailurePolicy{cache.LoadThrough, cache.Fail} {
			for _, lease := range []time.Duration{0, cache.Off} {
				t.Run(fmt.Sprint(name, policy, lease), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						srv, rec := cachetest.NewServer(t), cachetest.Record()
						c := cachetest.NewOn(t, srv, config{
							Name: "test", TTL: time.Hour, Lease: lease, OnRedisError: policy, Observer: rec.Observer(),
						})
						srv.Down()
						l.call(t.Context(), c)
						events := rec.LookupsFrom(cache.None, cache.Unknown)
						if n := len(rec.Lookups()); len(events) != l.keys || n != l.keys {
							t.Errorf("%d of %d lookups were not answered, want %d: %q", len(events), n, l.keys, rec.Lines())
						}
						if s := c.Stats(); s.Unanswered != uint64(l.keys) || s.Hits+s.AbsentHits+s.Misses != 0 {
							t.Errorf("Stats = %+v, want %d lookups without an answer", s, l.keys)
						}
					})
				})
			}
		}
	}
}

// A load that asks for its lease in vain has no answer either, though the read before it had.
func TestUnansweredQuestionForALease(t *testing.T) {
	for _, policy := range []cache.FailurePolicy{cache.LoadThrough, cache.Fail} {
		for method := range calls(nil, nil) {
			if !loads(method) {
				continue
			}
			t.Run(fmt.Sprint(method, policy), func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					rec := cachetest.Record()
					c := open(t, env.NewClient(t), config{OnRedisError: policy, Observer: rec.Observer()})
					// There is no server before the first connection.
					if err := env.Client.Ping(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
					env.Mini.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
						if !strings.HasPrefix(command, "EVAL") {
							return false
						}
						p.WriteError("ERR out of order")
						return true
					})
					runs := 0
					err := calls(c, value("v", &runs))[method](t.Context())
					if (err == nil) != (policy == cache.LoadThrough) {
						t.Errorf("error %v", err)
					}
					all, unanswered := len(rec.Lookups()), len(rec.LookupsFrom(cache.None, cache.Unknown))
					if all != keys(method) || unanswered != all {
						t.Errorf("%d of %d lookups were not answered: %q", unanswered, all, rec.Lines())
					}
				})
			})
		}
	}
}

// Nor has a call that shares the load of another without Redis, also when that fails.
func TestUnansweredFollower(t *testing.T) {
	failure := errors.New("no source")
	var begin chan struct{}
	load := func(context.Context, string) (string, error) {
		<-begin
		return "", failure
	}
	many := func(context.Context, []string) (map[string]string, error) {
		<-begin
		return nil, failure
	}
	for name, call := range map[string]func(ctx context.Context, c *cache.Cache[string, string]) error{
		"GetOrSet": func(ctx context.Context, c *cache.Cache[string, string]) error {
			_, err := c.GetOrSet(ctx, "k", load)
			return err
		},
		"GetOrSetMany": func(ctx context.Context, c *cache.Cache[string, string]) error {
			_, err := c.GetOrSetMany(ctx, []string{"k"}, many)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin = make(chan struct{})
				srv, rec := cachetest.NewServer(t), cachetest.Record()
				c := cachetest.NewOn(t, srv, config{Name: "test", TTL: time.Hour, Observer: rec.Observer()})
				srv.Down()
				var callers sync.WaitGroup
				for range 2 {
					callers.Go(func() {
						if err := call(t.Context(), c); !errors.Is(err, failure) {
							t.Errorf("error %v, want that of the source", err)
						}
					})
				}
				time.Sleep(5 * time.Second) // longer than anybody waits for Redis
				close(begin)
				callers.Wait()
				s := c.Stats()
				if s.Loads != 1 || s.Unanswered != 2 || s.Misses != 0 {
					t.Errorf("Stats = %+v, want 2 lookups without an answer and 1 load: %q", s, rec.Lines())
				}
			})
		})
	}
}

// Entry says Unknown beside an error, and LookupEvent the remaining life where Entry asks.
func TestEntryTellsWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, rec := cachetest.NewServer(t), cachetest.Record()
		c := cachetest.NewOn(t, srv, config{Name: "test", TTL: time.Hour, Jitter: -1, Observer: rec.Observer()})
		if err := c.Set(t.Context(), "k", "v"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		e, err := c.Entry(t.Context(), "k")
		want(t, "Entry", e, err, cache.Entry[string]{Value: "v", State: cache.Present, Source: cache.Redis, TTL: 59 * time.Minute})
		_, _, _ = c.Get(t.Context(), "k")
		_, _ = c.Entry(t.Context(), "none")
		srv.Down()
		e, err = c.Entry(t.Context(), "k")
		if wanted := (cache.Entry[string]{State: cache.Unknown, Source: cache.None}); err == nil || e != wanted {
			t.Errorf("Entry = %+v, %v, want %+v and an error", e, err, wanted)
		}
		var lives []time.Duration
		for _, l := range rec.Lookups() {
			lives = append(lives, l.TTL)
		}
		want(t, "lives", lives, nil, []time.Duration{59 * time.Minute, 0, 0, 0})
	})
}

// A load whose callers have all left is cancelled, and no failure: not by the count, and
// not for Error. A value that comes all the same has an outcome that says so.
func TestCancelledLoads(t *testing.T) {
	wraps := func(ctx context.Context) (string, error) { return "", fmt.Errorf("query: %w", context.Cause(ctx)) }
	hides := func(context.Context) (string, error) { return "", errors.New("statement cancelled") }
	late := func(context.Context) (string, error) { return "v", nil }
	for name, tt := range map[string]struct {
		result func(context.Context) (string, error)
		want   cache.Outcome
		writes int
	}{
		"wrapped": {wraps, cache.LoadCancelled, 0},
		"hidden":  {hides, cache.LoadCancelled, 0},
		"late":    {late, cache.LoadOK, 1},
	} {
		for method, call := range map[string]func(ctx context.Context, c *cache.Cache[string, string]) error{
			"GetOrSet": func(ctx context.Context, c *cache.Cache[string, string]) error {
				_, err := c.GetOrSet(ctx, "k", func(ctx context.Context, _ string) (string, error) {
					<-ctx.Done()
					return tt.result(ctx)
				})
				return err
			},
			"GetOrSetMany": func(ctx context.Context, c *cache.Cache[string, string]) error {
				_, err := c.GetOrSetMany(ctx, []string{"k"}, func(ctx context.Context, _ []string) (map[string]string, error) {
					<-ctx.Done()
					v, err := tt.result(ctx)
					return map[string]string{"k": v}, err
				})
				return err
			},
		} {
			t.Run(name+"/"+method, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					var r recorder
					c := open(t, env.Client, config{Observer: r.observer()})
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					if err := call(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("error %v, want the context's", err)
					}
					synctest.Wait()
					e := r.take()
					if len(e.loads) != 1 || e.loads[0].Outcome != tt.want || len(e.errors) != 0 || len(e.writes) != tt.writes {
						t.Errorf("events %+v, want a load that ends with %v and no error", e, tt.want)
					}
					for _, w := range e.writes {
						if w.Outcome != cache.WriteCancelled {
							t.Errorf("write event %+v", w)
						}
					}
					s, wanted := c.Stats(), cache.Stats{Misses: 1, Loads: 1, LoadsCancelled: 1}
					if tt.writes > 0 {
						wanted = cache.Stats{Misses: 1, Loads: 1, Loaded: 1, Cancelled: 1}
					}
					want(t, "Stats", s, nil, wanted)
				})
			})
		}
	}
}

// LoadTimeout is a failure of the loader, though its context is cancelled as well.
func TestTimedOutLoadIsNotCancelled(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		c := open(t, env.Client, config{LoadTimeout: time.Second, Observer: r.observer()})
		_, err := c.GetOrSet(t.Context(), "k", func(ctx context.Context, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		wantError(t, "GetOrSet", "", err, context.DeadlineExceeded)
		synctest.Wait()
		if e := r.take(); len(e.loads) != 1 || e.loads[0].Outcome != cache.LoadFailed || c.Stats().LoadErrors != 1 {
			t.Errorf("events %+v, want a load that failed", e)
		}
	})
}

// A leaver is a context that ends as soon as a call waits for its end.
type leaver struct {
	context.Context
	leave func()
}

func (l leaver) Done() <-chan struct{} {
	l.leave()
	return l.Context.Done()
}

// A caller may leave before its flight has begun to ask Redis: its lookup is told all the same.
func TestLookupsOfCallersThatLeaveAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		for _, many := range []bool{false, true} {
			var rec recorder
			c := open(t, env.Client, config{Name: "test", TTL: time.Minute, Observer: rec.observer()})
			const calls = 100
			for i := range calls {
				key := fmt.Sprint(i)
				if err := c.Delete(t.Context(), key); err != nil { // so that a miss is predicted
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var err error
				if many {
					_, err = c.GetOrSetMany(leaver{ctx, cancel}, []string{key}, func(context.Context, []string) (map[string]string, error) { return nil, nil })
				} else {
					_, err = c.GetOrSet(leaver{ctx, cancel}, key, value("v", new(int)))
				}
				if !errors.Is(err, context.Canceled) {
					t.Errorf("error %v", err)
				}
			}
			time.Sleep(time.Second)
			if n := len(rec.take().lookups); n != calls {
				t.Errorf("many %v: %d of %d lookups were told", many, n, calls)
			}
			_ = c.Close()
		}
	})
}

// Whatever happens, the counts add up, and the events are what was counted: random calls of
// several processes on few keys, with faults of Redis, of the loaders and of the callers.
func TestStatsAddUp(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { statsAddUp(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func statsAddUp(t *testing.T, random *rand.Rand) {
	srv := cachetest.NewServer(t)
	cfg := config{
		Name: "test", TTL: 200 * time.Millisecond, RedisTimeout: 50 * time.Millisecond,
		LoadTimeout: 300 * time.Millisecond, Lease: []time.Duration{100 * time.Millisecond, cache.Off}[random.IntN(2)],
		OnRedisError: cache.FailurePolicy(random.IntN(2)), AbsentTTL: []time.Duration{0, cache.Off}[random.IntN(2)],
	}
	recs := []*cachetest.Recorder{cachetest.Record(), cachetest.Record()}
	var fleet []*cache.Cache[string, string]
	for _, rec := range recs {
		cfg.Observer = rec.Observer()
		fleet = append(fleet, cachetest.NewOn(t, srv, cfg))
	}
	var calls sync.WaitGroup
	var lookups atomic.Uint64
	for range 300 {
		c, choice, seed := fleet[random.IntN(len(fleet))], random.IntN(14), random.Uint64()
		fault(srv, random)
		calls.Go(func() { lookups.Add(uint64(randomCall(t, c, choice, rand.New(rand.NewPCG(seed, 2))))) })
		time.Sleep(time.Duration(1 + random.IntN(int(20*time.Millisecond))))
	}
	srv.Up()
	calls.Wait()
	for i, c := range fleet {
		_ = c.Close() // now nothing is under way
		wantSums(t, c.Stats(), recs[i])
		lookups.Add(-uint64(len(recs[i].Lookups())))
	}
	if n := int64(lookups.Load()); n != 0 {
		t.Errorf("%d keys were looked up without an event", n)
	}
}

// fault begins or ends a fault now and then.
func fault(srv *cachetest.Server, random *rand.Rand) {
	switch random.IntN(20) {
	case 0:
		srv.Down()
	case 1:
		srv.Drop(1 + random.IntN(5))
	case 2:
		srv.Hang(1 + random.IntN(3))
	case 3:
		srv.Fail(1+random.IntN(5), errors.New("OOM command not allowed when used memory > 'maxmemory'."))
	case 4:
		srv.Fail(1+random.IntN(5), errors.New("NOPERM User default has no permissions"))
	case 5:
		srv.DropAnswer(1 + random.IntN(3))
	case 6, 7, 8, 9:
		srv.Up()
	}
}

// randomCall calls a method, with a context that may end before it returns. It returns how
// many keys the method looks up.
func randomCall(t *testing.T, c *cache.Cache[string, string], choice int, random *rand.Rand) (lookups int) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+random.IntN(int(400*time.Millisecond))))
	defer cancel()
	key := string(rune('a' + random.IntN(4)))
	keys := []string{key, "x", "y"}[:1+random.IntN(3)]
	entry := randomLoader(random)
	load := func(ctx context.Context, key string) (string, error) {
		e, err := entry(ctx, key)
		return e.Value, err
	}
	switch choice {
	case 0, 1:
		_, _ = c.GetOrSet(ctx, key, load)
	case 2, 3:
		_, _ = c.GetOrSetEntry(ctx, key, entry)
	case 4, 5:
		_, _ = c.GetOrSetMany(ctx, keys, func(ctx context.Context, keys []string) (map[string]string, error) {
			v, err := load(ctx, keys[0])
			return map[string]string{keys[0]: v, keys[len(keys)-1]: v}, err
		})
	case 6:
		_, _ = c.Refresh(ctx, key, load)
	case 7:
		_, _, _ = c.Get(ctx, key)
	case 8:
		_, _ = c.GetMany(ctx, keys)
	case 9:
		_, _ = c.Entry(ctx, key)
	case 10:
		_ = c.Set(ctx, key, "v")
	case 11:
		_ = c.Delete(ctx, keys...)
	case 12:
		_, _ = c.Touch(ctx, key)
	case 13:
		_ = c.SetAbsent(ctx, key, cache.TTL(time.Second))
	}
	switch choice {
	case 0, 1, 2, 3, 7, 9:
		return 1
	case 4, 5, 8:
		return len(keys)
	}
	return 0
}

func randomLoader(random *rand.Rand) loader.EntryFunc[string, string] {
	takes, kind := time.Duration(1+random.IntN(int(400*time.Millisecond))), random.IntN(8)
	return func(ctx context.Context, _ string) (e loader.Entry[string], err error) {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			if kind != 0 { // which ignores it
				return e, ctx.Err()
			}
		}
		e.Value = "v"
		switch kind {
		case 1:
			return e, errors.New("no source")
		case 2:
			return e, cache.ErrNotFound
		case 3:
			e.NoStore = true
		case 4:
			e.TTL = -time.Second
		}
		return e, nil
	}
}

// wantSums checks the counts against each other and against the events.
func wantSums(t *testing.T, s cache.Stats, rec *cachetest.Recorder) {
	t.Helper()
	same := func(what string, a, b uint64) {
		t.Helper()
		if a != b {
			t.Errorf("%s: %d and %d, of %+v", what, a, b, s)
		}
	}
	same("lookups", s.Hits+s.AbsentHits+s.Misses+s.Unanswered, uint64(len(rec.Lookups())))
	same("lookups without an answer", s.Unanswered, uint64(len(rec.LookupsFrom(cache.None, cache.Unknown))))
	same("loads", s.Loads, uint64(len(rec.Loads())))
	same("loads that failed", s.LoadErrors, uint64(len(rec.Loads(cache.LoadFailed, cache.LoadPanicked))))
	same("loads that were cancelled", s.LoadsCancelled, uint64(len(rec.Loads(cache.LoadCancelled))))
	same("loaded keys", s.Loaded, s.LoadStores+s.NotStored())
	same("stores", s.Stores, uint64(len(rec.Writes())))
	outcomes := make(map[cache.WriteOutcome]uint64)
	for _, e := range rec.WritesBy(cache.OpGetOrSet, cache.OpGetOrSetMany, cache.OpRefresh) {
		outcomes[e.Outcome]++
	}
	for outcome, n := range map[cache.WriteOutcome]uint64{
		cache.WriteOK: s.LoadStores, cache.WriteFenced: s.Fenced, cache.WriteOutOfMemory: s.OutOfMemory,
		cache.WriteTooLarge: s.TooLarge, cache.WriteNoPermission: s.NoPermission, cache.WriteNoScripts: s.NoScripts,
		cache.WriteRedisFailed: s.StoreErrors, cache.WriteNotEncoded: s.NotEncoded, cache.WriteExpired: s.Expired,
		cache.WriteNoStore: s.NoStore, cache.WriteAbsentOff: s.AbsentOff, cache.WriteCancelled: s.Cancelled,
	} {
		same(outcome.String(), n, outcomes[outcome])
	}
	if s.Loads == 0 || s.Loaded == 0 || s.Unanswered == 0 || s.NotStored() == 0 {
		t.Errorf("Stats = %+v: the test did not get far", s)
	}
}
