package cache_test

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
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// A load began before a write, and ends after it: it must not be stored. Its
// caller may keep its value; a caller that calls after the write gets nothing of it.
func TestG2WriteBeatsAnOlderLoad(t *testing.T) {
	type store = *cache.Cache[string, string]
	for name, test := range map[string]struct {
		write func(c store) error
		after string // "" means absent, "loaded anew" that a load is needed
	}{
		"Delete":      {func(c store) error { return c.Delete(background, "k") }, "loaded anew"},
		"Delete many": {func(c store) error { return c.Delete(background, "other", "k") }, "loaded anew"},
		"Set":         {func(c store) error { return c.Set(background, "k", "written") }, "written"},
		"Set of what is over": {func(c store) error {
			return c.Set(background, "k", "over")
		}, "loaded anew"},
		"SetAbsent": {func(c store) error { return c.SetAbsent(background, "k") }, ""},
		"SetIfAbsent": {func(c store) error {
			stored, err := c.SetIfAbsent(background, "k", "written")
			if !stored {
				err = errors.Join(err, errors.New("not stored"))
			}
			return err
		}, "written"},
		"Delete in a pipeline": {func(c store) error {
			return piped(c, (*collection.Pipeline).Exec, func(q queue) { q.Delete("k") })
		}, "loaded anew"},
		"Set in a pipeline": {func(c store) error {
			return piped(c, (*collection.Pipeline).Exec, func(q queue) { q.Set("k", "written") })
		}, "written"},
		"Set in a transaction": {func(c store) error {
			return piped(c, (*collection.Pipeline).ExecAtomic, func(q queue) { q.Set("k", "written") })
		}, "written"},
		"Set of what is over, in a pipeline": {func(c store) error {
			return piped(c, (*collection.Pipeline).Exec, func(q queue) { q.Set("k", "over") })
		}, "loaded anew"},
		"SetAbsent in a pipeline": {func(c store) error {
			return piped(c, (*collection.Pipeline).Exec, func(q queue) { q.SetAbsent("k") })
		}, ""},
		"SetIfAbsent in a pipeline": {func(c store) error {
			return piped(c, (*collection.Pipeline).Exec, func(q queue) { q.SetIfAbsent("k", "written") })
		}, "written"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				var r recorder
				c := open(t, env.Client, cache.Config[string, string]{Observer: r.observer(), TTLFor: func(_ string, v *string) time.Duration {
					if *v == "over" {
						return -1e9
					}
					return 0
				}})
				release := make(chan struct{})
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {
						v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
							<-release
							return "older", nil
						})
						if err == nil && v == "older" {
							return // began before the write
						}
						if test.after == "" {
							wantError(t, "a follower", v, err, cache.ErrNotFound)
							return
						}
						want(t, "a follower", v, err, test.after)
					})
				}
				synctest.Wait()
				if err := test.write(c); err != nil {
					t.Fatal(err)
				}
				v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { return "loaded anew", nil })
				if test.after == "" {
					wantError(t, "GetOrSet after the write", v, err, cache.ErrNotFound)
				} else {
					want(t, "GetOrSet after the write", v, err, test.after)
				}
				close(release)
				wg.Wait()
				e, err := c.Entry(t.Context(), "k")
				if want(t, "Entry.Value", e.Value, err, test.after); test.after == "" && e.State != cache.Absent {
					t.Errorf("Entry.State = %v, want Absent", e.State)
				}
				fenced := slices.DeleteFunc(r.take().writes, func(e cache.WriteEvent) bool { return !e.Fenced })
				if len(fenced) != 1 || c.Stats().Fenced != 1 {
					t.Errorf("%d fenced write events and a count of %d, want one", len(fenced), c.Stats().Fenced)
				}
			})
		})
	}
}

type queue = cache.Queue[string, string]

// piped makes writes in a pipeline.
func piped(c *cache.Cache[string, string], exec func(*collection.Pipeline, context.Context) error, write func(q queue)) error {
	var p collection.Pipeline
	write(c.In(&p))
	return exec(&p, background)
}

// A load that begins while a write is under way began before that write returned:
// whether it ends during the write or after it, it is not stored.
func TestG2LoadThatBeginsDuringAWrite(t *testing.T) {
	for name, remove := range removals {
		for _, lease := range []time.Duration{0, cache.Off} {
			for _, load := range []time.Duration{10 * time.Millisecond, time.Second} {
				t.Run(fmt.Sprint(name, lease, load), func(t *testing.T) { loadDuringAWrite(t, remove, lease, load) })
			}
		}
	}
}

// removals are ways to delete a key.
var removals = map[string]func(c *cache.Cache[string, string]) error{
	"Delete": func(c *cache.Cache[string, string]) error { return c.Delete(background, "k") },
	"pipeline": func(c *cache.Cache[string, string]) error {
		return piped(c, (*collection.Pipeline).Exec, func(q queue) { q.Delete("k") })
	},
}

func loadDuringAWrite(t *testing.T, remove func(c *cache.Cache[string, string]) error, lease, load time.Duration) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{Lease: lease})
		learnScripts(t, c)
		f.delay(func(command string) time.Duration {
			switch {
			case command == "UNLINK":
				return 100 * time.Millisecond
			case command == "SET" && lease == cache.Off: // a store
				return 300 * time.Millisecond
			}
			return 0
		}, nil)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := remove(c); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
				time.Sleep(load)
				return "older", nil
			})
			want(t, "GetOrSet during the Delete", v, err, "older")
		})
		wg.Wait()
		wantGet(t, c, "k", nil)
	})
}

// A store that was sent before a write began is answered before the write is sent.
func TestG2WriteWaitsForAStoreUnderWay(t *testing.T) {
	for name, remove := range removals {
		t.Run(name, func(t *testing.T) { writeWaits(t, remove) })
	}
}

func writeWaits(t *testing.T, remove func(c *cache.Cache[string, string]) error) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{Lease: cache.Off})
		learnScripts(t, c)
		f.delay(func(command string) time.Duration {
			if command == "SET" { // arrives late
				return 100 * time.Millisecond
			}
			return 0
		}, nil)
		var wg sync.WaitGroup
		runs := 0
		wg.Go(func() {
			v, err := c.GetOrSet(t.Context(), "k", value("older", &runs))
			want(t, "GetOrSet", v, err, "older")
		})
		synctest.Wait()
		if runs != 1 {
			t.Fatalf("%d loads by now, want one", runs)
		}
		if err := remove(c); err != nil {
			t.Error(err)
		}
		wg.Wait()
		wantGet(t, c, "k", nil)
	})
}

// The same when the caller has left: nobody may leave a store behind that a write
// knows nothing of.
func TestG2WriteWaitsForAStoreThatNobodyWaitsFor(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{Lease: cache.Off})
		learnScripts(t, c)
		f.delay(func(command string) time.Duration {
			if command == "SET" {
				return 100 * time.Millisecond
			}
			return 0
		}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		runs := 0
		v, err := c.GetOrSet(ctx, "k", value("older", &runs))
		wantError(t, "GetOrSet that left", v, err, context.DeadlineExceeded)
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		wantGet(t, c, "k", nil)
	})
}

// learnScripts has the server learn what a load sends.
func learnScripts(t *testing.T, c *cache.Cache[string, string]) {
	t.Helper()
	runs := 0
	v, err := c.GetOrSet(t.Context(), "other", value("other", &runs))
	want(t, "GetOrSet", v, err, "other")
}

// A call without Redis does not share a load without Redis that began before a write of
// the same process.
func TestG2WriteBetweenLoadsWithoutRedis(t *testing.T) {
	type obtainFunc = func(*cache.Cache[string, string], loader.Func[string, string]) (string, error)
	for name, obtain := range map[string]obtainFunc{
		"GetOrSet": func(c *cache.Cache[string, string], load loader.Func[string, string]) (string, error) {
			return c.GetOrSet(background, "k", load)
		},
		"GetOrSetMany": func(c *cache.Cache[string, string], load loader.Func[string, string]) (string, error) {
			many := func(ctx context.Context, keys []string) (map[string]string, error) {
				v, err := load(ctx, keys[0])
				return map[string]string{keys[0]: v}, err
			}
			found, err := c.GetOrSetMany(background, []string{"k"}, many)
			return found["k"], err
		},
	} {
		for write, do := range map[string]func(c *cache.Cache[string, string]) error{
			"Delete": func(c *cache.Cache[string, string]) error { return c.Delete(background, "k") },
			"Set":    func(c *cache.Cache[string, string]) error { return c.Set(background, "k", "v") },
		} {
			t.Run(name+" after "+write, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := cachetest.NewServer(t)
					c := cachetest.NewOn(t, srv, config{Name: "test", TTL: time.Hour})
					srv.Down()
					var older sync.WaitGroup
					older.Go(func() {
						v, err := obtain(c, func(context.Context, string) (string, error) {
							time.Sleep(5 * time.Second)
							return "old", nil
						})
						want(t, "the older call", v, err, "old")
					})
					time.Sleep(2 * time.Second) // the load has begun
					srv.Up()
					if err := do(c); err != nil {
						t.Fatal(err)
					}
					srv.Down()
					v, err := obtain(c, func(context.Context, string) (string, error) { return "new", nil })
					want(t, "a call after the write", v, err, "new")
					older.Wait()
				})
			})
		}
	}
}

// The seal rule. The leader's value is stored, and its answer is on its way. A
// foreign DEL comes, and after that a call that joins the leader's flight: the
// value must not reach it.
func TestG2SealedFlight(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		learnScripts(t, c)
		var late time.Duration
		f.delay(nil, func() time.Duration { return late })
		var wg sync.WaitGroup
		release := make(chan struct{})
		wg.Go(func() {
			v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { <-release; return "older", nil })
			want(t, "GetOrSet of the leader", v, err, "older")
		})
		synctest.Wait()
		wg.Go(func() {
			v, err := c.GetOrSet(t.Context(), "k", never[string](t))
			want(t, "GetOrSet of a caller that joined in time", v, err, "older")
		})
		synctest.Wait()
		late = 100 * time.Millisecond // for the answer of the store
		close(release)
		synctest.Wait()
		late = 0
		if n := env.Client.Del(t.Context(), c.RedisKey("k")).Val(); n != 1 {
			t.Fatalf("DEL of the stored value = %d, want 1", n)
		}
		began := time.Now()
		runs := 0
		v, err := c.GetOrSet(t.Context(), "k", value("newer", &runs))
		want(t, "GetOrSet after the DEL", v, err, "newer")
		if d := time.Since(began); d != 100*time.Millisecond {
			t.Errorf("the late caller took %v: it did not meet the flight", d)
		}
		wg.Wait()
		wantGet(t, c, "k", &[]string{"newer"}[0])
	})
}

// Refresh returns what was loaded after it was called, even if a load is under way.
func TestG2RefreshIsNewerThanItsCall(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, int]{})
		row, runs := 1, 0
		load := func(context.Context, string) (int, error) {
			runs++
			v := row
			time.Sleep(100 * time.Millisecond)
			return v, nil
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			v, err := c.GetOrSet(t.Context(), "k", load)
			want(t, "GetOrSet", v, err, 1)
		})
		synctest.Wait()
		row = 2
		for range 100 {
			wg.Go(func() {
				v, err := c.Refresh(t.Context(), "k", load)
				want(t, "Refresh", v, err, 2)
			})
		}
		wg.Wait()
		wantGet(t, c, "k", &row)
		if runs != 2 {
			t.Errorf("%d loads, want two: all refreshes share one", runs)
		}
	})
}

// A call that is turned away again and again, because the key is written all the
// time, has an answer in the end all the same.
func TestG2AKeyThatIsWrittenAllTheTime(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		slow := func(context.Context, string) (string, error) { time.Sleep(10 * time.Millisecond); return "v", nil }
		for range 5 {
			wg.Go(func() {
				for ctx.Err() == nil {
					v, err := c.GetOrSet(t.Context(), "k", slow)
					want(t, "GetOrSet", v, err, "v")
				}
			})
			wg.Go(func() {
				for ctx.Err() == nil {
					if err := c.Delete(t.Context(), "k"); err != nil {
						t.Error(err)
					}
					time.Sleep(3 * time.Millisecond)
				}
			})
		}
		time.Sleep(time.Second)
		stop()
		wg.Wait()
	})
}
