package cache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// Of a state that lasts Error hears at once, and then every ten seconds while calls meet
// it; the calls that meet another state are told beside it.
func TestLastingStatesAreToldAtIntervals(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		c := open(t, env.Client, cache.Config[string, string]{Observer: r.observer()})
		if err := env.Client.Ping(t.Context()).Err(); err != nil { // there is no server before the first connection
			t.Fatal(err)
		}
		answer := "OOM command not allowed when used memory > 'maxmemory'."
		env.Mini.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
			if command == "EVALSHA" {
				p.WriteError(answer)
			}
			return command == "EVALSHA"
		})
		began := time.Now()
		var heard []time.Duration
		load := func(seconds int) {
			for i := range 10 * seconds {
				_, _ = c.GetOrSetMany(t.Context(), []string{fmt.Sprint(i), fmt.Sprint(-i - 1)}, new(ledger).many)
				for range r.take().errors {
					heard = append(heard, time.Since(began).Truncate(time.Second))
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
		load(15)
		answer = "NOPERM User default has no permissions to run the 'set' command" // what a cache does not do without
		load(10)
		const s = time.Second
		want(t, "times when Error heard", heard, nil, []time.Duration{0, 10 * s, 15 * s})
		if n := c.Stats(); n.OutOfMemory != 300 || n.NoPermission != 200 || n.RedisErrors != 500 {
			t.Errorf("Stats = %+v, want every failure", n)
		}
		answer = "ERR something else"
		load(1)
		if len(heard) != 3+20 {
			t.Errorf("Error heard %d failures of another kind, want all 20", len(heard)-3)
		}
	})
}

// refusing is a codec that does not take every value.
type refusing struct{ codec.Codec[string] }

func (p refusing) Encode(w *codec.Wire, v *string) error {
	if *v == "bad" {
		return errors.New("a bad value")
	}
	return p.Codec.Encode(w, v)
}

// Every reason that lies with the application has an outcome, an event and a count of its
// own, of a load alone and in a batch.
func TestNotStoredByTheApplication(t *testing.T) {
	notFound := func(context.Context, string) (e loader.Entry[string], err error) { return e, cache.ErrNotFound }
	returns := func(e loader.Entry[string]) loader.EntryFunc[string, string] {
		return func(context.Context, string) (loader.Entry[string], error) { return e, nil }
	}
	over := func(cfg *config) {
		cfg.TTLFor = func(string, *string) time.Duration { return -time.Minute }
	}
	for name, tt := range map[string]struct {
		change func(cfg *config)
		load   loader.EntryFunc[string, string]
		want   cache.WriteOutcome
		alone  bool // a batch loader cannot ask for it
	}{
		"lifetime over by TTLFor":    {over, returns(loader.Entry[string]{Value: "v"}), cache.WriteExpired, false},
		"lifetime over by the entry": {nil, returns(loader.Entry[string]{Value: "v", TTL: -time.Minute}), cache.WriteExpired, true},
		"NoStore":                    {nil, returns(loader.Entry[string]{Value: "v", NoStore: true}), cache.WriteNoStore, true},
		"NoStore and over":           {over, returns(loader.Entry[string]{Value: "v", NoStore: true}), cache.WriteNoStore, true},
		"AbsentTTL off":              {func(cfg *config) { cfg.AbsentTTL = cache.Off }, notFound, cache.WriteAbsentOff, false},
		"not encoded":                {nil, returns(loader.Entry[string]{Value: "bad"}), cache.WriteNotEncoded, false},
	} {
		for leases, lease := range map[string]time.Duration{"leases": 0, "no leases": cache.Off} {
			t.Run(name+"/"+leases, func(t *testing.T) {
				bubble(t, func(t *testing.T, env *redistest.Env) {
					var r recorder
					cfg := config{Lease: lease, Codec: refusing{codec.Text[string]()}, Observer: r.observer()}
					if tt.change != nil {
						tt.change(&cfg)
					}
					c := open(t, env.Client, cfg)
					_, _ = c.GetOrSetEntry(t.Context(), "k", tt.load)
					wanted := []cache.Op{cache.OpGetOrSet}
					if !tt.alone {
						_, _ = c.GetOrSetMany(t.Context(), []string{"m"}, func(ctx context.Context, keys []string) (map[string]string, error) {
							e, err := tt.load(ctx, keys[0])
							if err != nil {
								return nil, err
							}
							return map[string]string{keys[0]: e.Value}, nil
						})
						wanted = append(wanted, cache.OpGetOrSetMany)
					}
					var ops []cache.Op
					for _, e := range r.take().writes {
						ops = append(ops, e.Op)
						if e.Outcome != tt.want || e.Fenced || e.TTL != 0 {
							t.Errorf("event %+v, want %v", e, tt.want)
						}
					}
					want(t, "operations", ops, nil, wanted)
					if s := c.Stats(); s.NotStored() != uint64(len(wanted)) || s.Loaded != s.NotStored() || s.Stores != 0 {
						t.Errorf("Stats = %+v", s)
					}
				})
			})
		}
	}
}

// writers are the methods that write one key, by what their events say.
func writers(c *cache.Cache[string, string], ctx context.Context) map[cache.Op]func() error {
	return map[cache.Op]func() error{
		cache.OpSet:         func() error { return c.Set(ctx, "k", "v") },
		cache.OpSetMany:     func() error { return c.SetMany(ctx, map[string]string{"k": "v"}) },
		cache.OpSetIfAbsent: func() error { _, err := c.SetIfAbsent(ctx, "k", "v"); return err },
		cache.OpSetAbsent:   func() error { return c.SetAbsent(ctx, "k") },
		cache.OpDelete:      func() error { return c.Delete(ctx, "k") },
		cache.OpTouch:       func() error { _, err := c.Touch(ctx, "k"); return err },
	}
}

// A write that fails has one event, with its operation, the error that it returns and why.
func TestWriteEventsOfFailures(t *testing.T) {
	left, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		fail func(s *cachetest.Server)
		want cache.WriteOutcome
	}{
		"refused": {t.Context(), func(s *cachetest.Server) {
			s.Fail(cachetest.All, errors.New("NOPERM User default has no permissions"))
		}, cache.WriteNoPermission},
		"full": {t.Context(), func(s *cachetest.Server) {
			s.Fail(cachetest.All, errors.New("OOM command not allowed when used memory > 'maxmemory'."))
		}, cache.WriteOutOfMemory},
		"down":     {t.Context(), (*cachetest.Server).Down, cache.WriteRedisFailed},
		"hanging":  {t.Context(), func(s *cachetest.Server) { s.Hang(cachetest.All) }, cache.WriteRedisFailed},
		"has left": {left, func(s *cachetest.Server) { s.Hang(cachetest.All) }, cache.WriteCancelled},
	} {
		for op := range writers(nil, nil) {
			t.Run(name+"/"+string(op), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := cachetest.NewServer(t)
					rec := cachetest.Record()
					c := cachetest.NewOn(t, srv, config{Name: "test", TTL: time.Hour, Observer: rec.Observer()})
					tt.fail(srv)
					ctx := t.Context()
					if tt.ctx.Err() != nil {
						ctx = tt.ctx
					}
					err := writers(c, ctx)[op]()
					events := rec.WritesBy()
					if len(events) != 1 {
						t.Fatalf("%d events, want one", len(events))
					}
					if e := events[0]; e.Op != op || e.Key != "test:k" || e.Outcome != tt.want || e.Err == nil || !errors.Is(err, e.Err) {
						t.Errorf("event %+v beside the error %v, want %v", e, err, tt.want)
					}
					if s := c.Stats(); s.Stores != 0 || s.Loaded != 0 {
						t.Errorf("Stats = %+v", s)
					}
				})
			})
		}
	}
}

// What is not encoded or has no life left fails, or is not stored, with an event too.
func TestWriteEventsOfValuesThatAreNotStored(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		cfg := config{Codec: refusing{codec.Text[string]()}, Observer: r.observer()}
		cfg.TTLFor = func(_ string, v *string) time.Duration {
			if *v == "old" {
				return -time.Minute
			}
			return 0
		}
		c := open(t, env.Client, cfg)
		for v, wanted := range map[string]cache.WriteOutcome{"bad": cache.WriteNotEncoded, "old": cache.WriteExpired} {
			_ = c.Set(t.Context(), "k", v)
			_ = c.SetMany(t.Context(), map[string]string{"k": v})
			_, _ = c.SetIfAbsent(t.Context(), "k", v)
			var ops []cache.Op
			for _, e := range r.take().writes {
				ops = append(ops, e.Op)
				if e.Outcome != wanted || (e.Err != nil) != (wanted == cache.WriteNotEncoded) {
					t.Errorf("event %+v, want %v", e, wanted)
				}
			}
			want(t, "operations", ops, nil, []cache.Op{cache.OpSet, cache.OpSetMany, cache.OpSetIfAbsent})
		}
		if s := c.Stats(); s.Stores != 0 {
			t.Errorf("Stats = %+v", s)
		}
	})
}
