package store_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// A fault is a way in which Redis can leave its callers waiting.
type fault struct {
	name string
	dial func(ctx context.Context, network, addr string) (net.Conn, error) // nil: as without the fault
}

var faults = []fault{
	{name: "no connection", dial: faultnet.Hanging},
	{name: "no handshake", dial: faultnet.Silent},
	{name: "no answer"},
}

// A hung is a client of a Redis with a fault, to be used in a bubble.
type hung struct {
	rdb     redis.UniversalClient
	answers func() // makes Redis answer again
}

// clients are the kinds of clients, by whether a cancelled command returns at once.
var clients = []struct {
	name string
	open func(o *redis.UniversalOptions) redis.UniversalClient
	free bool
}{
	{name: "client", open: func(o *redis.UniversalOptions) redis.UniversalClient { return redis.NewClient(o.Simple()) }},
	{name: "client that heeds deadlines", open: func(o *redis.UniversalOptions) redis.UniversalClient {
		o.ContextTimeoutEnabled = true
		return redis.NewClient(o.Simple())
	}},
	{name: "cluster", free: true, open: cluster},
	{name: "cluster that heeds deadlines", open: func(o *redis.UniversalOptions) redis.UniversalClient {
		o.ContextTimeoutEnabled = true
		return cluster(o)
	}},
	{name: "another client", free: true, open: func(o *redis.UniversalOptions) redis.UniversalClient {
		return wrapped{redis.NewClient(o.Simple())}
	}},
}

// wrapped is a client of a type that the store does not know.
type wrapped struct{ redis.UniversalClient }

// cluster is a client of one server that it takes for a cluster.
func cluster(o *redis.UniversalOptions) redis.UniversalClient {
	c := o.Cluster()
	c.ClusterSlots = func(context.Context) ([]redis.ClusterSlot, error) {
		return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: "127.0.0.1:6379"}}}}, nil
	}
	return redis.NewClusterClient(c)
}

func (f fault) on(t *testing.T, open func(*redis.UniversalOptions) redis.UniversalClient) hung {
	t.Helper()
	env := redistest.Mini(t)
	if err := env.Client.Ping(t.Context()).Err(); err != nil { // starts the server
		t.Fatal(err)
	}
	var silent atomic.Bool
	speak := make(chan struct{})
	env.Mini.Server().SetPreHook(func(*server.Peer, string, ...string) bool {
		if silent.Load() {
			<-speak
		}
		return false
	})
	// A command that waits for a connection of go-redis's pool uses timers that bubbles cannot
	// share: there must be enough of them.
	o := &redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}, PoolSize: 100}
	var broken atomic.Bool
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if f.dial != nil && broken.Load() {
			return f.dial(ctx, network, addr)
		}
		return env.Client.(*redis.Client).Options().Dialer(ctx, network, addr)
	}
	h := hung{rdb: open(o), answers: func() { close(speak) }}
	t.Cleanup(func() { _ = h.rdb.Close() })
	client.WithoutBreaker(h.rdb)
	broken.Store(true)
	if f.dial != nil {
		return h
	}
	if err := h.rdb.Set(t.Context(), "k", "v", 0).Err(); err != nil { // opens a connection
		t.Fatal(err)
	}
	silent.Store(true)
	return h
}

// readOfAMaster needs no goroutine, and so leaves at deadlines alone.
const readOfAMaster = "Read of a cluster's master"

// calls are all that a store can be asked for.
var calls = map[string]func(ctx context.Context, s *store.Store, deadline time.Time) error{
	"Read": func(ctx context.Context, s *store.Store, deadline time.Time) error {
		_, err := s.Read(ctx, "k", new(store.Entry), time.Now())
		return err
	},
	readOfAMaster: func(ctx context.Context, s *store.Store, _ time.Time) error {
		s.ForTests().KnowMasters()
		_, err := s.Read(ctx, "k", new(store.Entry), time.Now())
		return err
	},
	"Inspect": func(ctx context.Context, s *store.Store, deadline time.Time) error {
		return s.Inspect(ctx, deadline, "k", new(store.Entry), true)
	},
	"Put": func(ctx context.Context, s *store.Store, deadline time.Time) error {
		return s.Put(ctx, deadline, "k", entry("k", text("v")), time.Hour)
	},
	"PutAbsent": func(ctx context.Context, s *store.Store, deadline time.Time) error {
		return s.PutAbsent(ctx, deadline, "k", time.Hour)
	},
	"PutIfAbsent": func(ctx context.Context, s *store.Store, deadline time.Time) error {
		_, err := s.PutIfAbsent(ctx, deadline, "k", entry("k", text("v")), time.Hour)
		return err
	},
	"Touch": func(ctx context.Context, s *store.Store, deadline time.Time) error {
		_, err := s.Touch(ctx, deadline, "k", time.Hour)
		return err
	},
	"Delete": func(ctx context.Context, s *store.Store, deadline time.Time) error {
		return s.Delete(ctx, deadline, []string{"k"})[0]
	},
	"Read in a shared pipeline": func(ctx context.Context, s *store.Store, _ time.Time) error {
		s.ForTests().ManyInFlight()
		_, err := s.Read(ctx, "k", new(store.Entry), time.Now())
		return err
	},
	"Acquire": func(ctx context.Context, s *store.Store, deadline time.Time) error {
		_, err := s.Acquire(ctx, deadline, "k", time.Second, false)
		return err
	},
	"Acquire in a shared pipeline": func(ctx context.Context, s *store.Store, deadline time.Time) error {
		s.ForTests().ManyInFlight()
		_, err := s.Acquire(ctx, deadline, "k", time.Second, false)
		return err
	},
}

// eachHang runs a test in a bubble, for each fault, client and call.
func eachHang(t *testing.T, test func(t *testing.T, s *store.Store, free bool, call func(context.Context) error)) {
	for _, f := range faults {
		for _, c := range clients {
			for name, call := range calls {
				t.Run(f.name+"/"+c.name+"/"+name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						h := f.on(t, c.open)
						s, err := store.New(h.rdb, codec.ShapeString, time.Second)
						if err != nil {
							t.Fatal(err)
						}
						test(t, s, c.free && name != readOfAMaster, func(ctx context.Context) error { return call(ctx, s, time.Now().Add(time.Second)) })
						h.answers()
						time.Sleep(time.Hour) // all that was given up ends in its own time
						began := time.Now()
						s.Close()
						if d := time.Since(began); d != 0 {
							t.Errorf("Close of an idle store took %v", d)
						}
					})
				})
			}
		}
	}
}

func TestACallLeavesAtItsDeadline(t *testing.T) {
	eachHang(t, func(t *testing.T, s *store.Store, _ bool, call func(context.Context) error) {
		for _, limit := range []time.Duration{0, time.Millisecond, 300 * time.Millisecond, 999 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			began := time.Now()
			err := call(ctx)
			if d := time.Since(began); err == nil || d > limit {
				t.Errorf("with %v it returned after %v: %v", limit, d, err)
			}
			cancel()
		}
	})
}

func TestACallLeavesAtTheStoresTimeout(t *testing.T) {
	eachHang(t, func(t *testing.T, s *store.Store, _ bool, call func(context.Context) error) {
		for _, limit := range []time.Duration{0, time.Minute} {
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if limit > 0 {
				ctx, cancel = context.WithTimeout(ctx, limit)
			}
			for range 3 { // within one window of the store, and beyond
				began := time.Now()
				err := call(ctx)
				if d := time.Since(began); err == nil || d > time.Second || d < 7*time.Second/8 {
					t.Errorf("it returned after %v: %v", d, err)
				}
				time.Sleep(100 * time.Millisecond)
			}
			cancel()
		}
	})
}

func TestACancelledCall(t *testing.T) {
	eachHang(t, func(t *testing.T, s *store.Store, free bool, call func(context.Context) error) {
		most := time.Second
		if free {
			most = 50 * time.Millisecond
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		began := time.Now()
		err := call(ctx)
		if d := time.Since(began); err == nil || d > most {
			t.Errorf("cancelled after 50ms it returned after %v: %v", d, err)
		}
		if free && !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		if err := call(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a call with a context that has ended: %v", err)
		}
	})
}

// A pool without a free connection would keep a caller for an hour. go-redis's
// pool keeps timers that cannot be shared between bubbles, so this takes real
// time; that the call comes back is all there is to see.
func TestNoFreeConnection(t *testing.T) {
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			env := redistest.Mini(t)
			rdb := c.open(&redis.UniversalOptions{
				Addrs: []string{"127.0.0.1:6379"}, Dialer: env.Client.(*redis.Client).Options().Dialer,
				PoolSize: 1, PipelinePoolSize: -1, PoolTimeout: time.Hour, ReadTimeout: time.Hour, MaxRetries: -1,
			})
			defer rdb.Close()
			if err := rdb.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			release := occupy(env, rdb)
			s, err := store.New(rdb, codec.ShapeString, 40*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			for name, call := range calls {
				for _, limit := range []time.Duration{10 * time.Millisecond, time.Hour} {
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					if err := call(ctx, s, time.Now().Add(40*time.Millisecond)); err == nil {
						t.Errorf("%s, with %v: no error", name, limit)
					}
					cancel()
				}
			}
			release()
			s.Close()
		})
	}
}

// Calls that begin within an eighth of the timeout share a timer; none may be
// given up earlier than that for it.
func TestCallsThatShareATimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fault{}.on(t, cluster)
		s, err := store.New(h.rdb, codec.ShapeString, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			go func() {
				began := time.Now()
				_, err := s.Read(t.Context(), "k", new(store.Entry), began)
				if d := time.Since(began); err == nil || d < 7*time.Second/8 || d > time.Second {
					t.Errorf("it returned after %v: %v", d, err)
				}
			}()
			time.Sleep(31 * time.Millisecond)
		}
		time.Sleep(time.Second)
		h.answers()
		time.Sleep(time.Hour)
	})
}

// While too many commands are unanswered, calls fail at once. Once Redis answers,
// they work again, and Close has waited for all that was given up.
func TestTooManyUnansweredCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		speak := make(chan struct{})
		var asked atomic.Int64
		rdb := cluster(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}})
		rdb.AddHook(hook{process: func(ctx context.Context, cmd redis.Cmder) error {
			asked.Add(1)
			<-speak
			return redis.Nil
		}})
		defer rdb.Close()
		s, err := store.New(rdb, codec.ShapeString, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		ask := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			_, err := s.Read(ctx, "k", new(store.Entry), time.Now())
			return err
		}
		for i := range 512 {
			if err := ask(); err != context.DeadlineExceeded {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		began := time.Now()
		if err := ask(); err != store.ErrUnanswered || time.Since(began) != 0 || asked.Load() != 512 {
			t.Errorf("the next call: %v after %v, %d commands sent", err, time.Since(began), asked.Load())
		}
		close(speak)
		synctest.Wait()
		if err := ask(); err != redis.Nil {
			t.Errorf("once Redis answers: %v", err)
		}
		s.Close()
		if err := ask(); err != store.ErrClosed {
			t.Errorf("after Close: %v", err)
		}
		s.Close()
		time.Sleep(time.Second) // go-redis pauses when it has looked for the masters
	})
}

func TestCloseWaitsForGivenUpCommands(t *testing.T) {
	for _, after := range []time.Duration{300 * time.Millisecond, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			speak := make(chan struct{})
			rdb := cluster(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}})
			rdb.AddHook(hook{process: func(context.Context, redis.Cmder) error {
				<-speak
				return redis.Nil
			}})
			defer rdb.Close()
			s, err := store.New(rdb, codec.ShapeString, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				if _, err := s.Read(ctx, "k", new(store.Entry), time.Now()); err != context.DeadlineExceeded {
					t.Fatal(err)
				}
			}
			time.AfterFunc(after, func() { close(speak) })
			began := time.Now()
			s.Close()
			if d, want := time.Since(began), min(after, time.Second); d != want {
				t.Errorf("Close took %v, want %v", d, want)
			}
			time.Sleep(after)
		})
	}
}
