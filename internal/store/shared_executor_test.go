package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// Callers of many stores on one client share pipelines as those of one store do.
func TestStoresOfOneClientSharePipelines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := redistest.Mini(t)
		rdb := env.NewClient(t, func(o *redis.UniversalOptions) { o.PoolSize = 200 })
		var hook pipelines
		rdb.AddHook(&hook)
		const callers = 128
		var stores []*store.Store
		for range 100 {
			stores = append(stores, newStore(t, rdb, codec.ShapeString))
		}
		speak := make(chan struct{})
		if err := rdb.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		env.Mini.Server().SetPreHook(func(*server.Peer, string, ...string) bool {
			<-speak
			return false
		})
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				s := stores[i%len(stores)]
				if _, err := s.Read(t.Context(), fmt.Sprint("k", i), new(store.Entry), time.Now()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(speak)
		all.Wait()
		if n := hook.alone.Load(); n > 12 {
			t.Errorf("%d of %d commands were sent by themselves", n, callers)
		}
		if n := hook.shared.Load(); n == 0 || n > 12 {
			t.Errorf("%d commands were sent in %d pipelines", hook.commands.Load(), n)
		}
	})
}

// A store that sends alone does so however many commands of others are in flight.
func TestUnpipelinedBesideOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rdb := redistest.Mini(t).NewClient(t)
		var hook pipelines
		rdb.AddHook(&hook)
		alone, other := newStore(t, rdb, codec.ShapeString), newStore(t, rdb, codec.ShapeString)
		alone.SendAlone()
		other.ForTests().ManyInFlight()
		if _, err := alone.Read(t.Context(), "k", new(store.Entry), time.Now()); err != nil {
			t.Error(err)
		}
		if n := hook.shared.Load(); n != 0 {
			t.Errorf("it was sent in %d pipelines", n)
		}
	})
}

// A held pipeline is one that waits for its turn while a server does not answer.
type held struct {
	stores []*store.Store
	answer func()
	all    sync.WaitGroup
}

// hold returns stores with these timeouts. All senders of their client but one are waiting
// for an answer, and the last one too, so that further commands are in one batch.
func hold(t *testing.T, timeouts ...time.Duration) *held {
	env := redistest.Mini(t)
	rdb := env.NewClient(t)
	if err := env.Client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	speak := make(chan struct{})
	h := &held{answer: sync.OnceFunc(func() { close(speak) })}
	env.Mini.Server().SetPreHook(func(_ *server.Peer, _ string, args ...string) bool {
		if slices.Contains(args, "stuck") {
			<-speak
		}
		return false
	})
	for _, timeout := range timeouts {
		s := newStoreOf(t, rdb, timeout)
		t.Cleanup(s.Close)
		h.stores = append(h.stores, s)
	}
	h.stores[0].ForTests().ManyInFlight()
	return h
}

// read has a store read a key in the background, and says what became of it.
func (h *held) read(t *testing.T, s *store.Store, key string, ended func(took time.Duration, err error)) {
	began := time.Now()
	h.all.Go(func() {
		_, err := s.Read(t.Context(), key, new(store.Entry), began)
		ended(time.Since(began), s.Explain(err))
	})
}

// In one batch, each caller waits as long as its own store says, and no shorter.
func TestTimeoutsInOneBatch(t *testing.T) {
	for n := range 4 {
		answered, longFirst := n%2 == 0, n/2 == 0
		synctest.Test(t, func(t *testing.T) {
			h := hold(t, time.Second, 4*time.Second)
			short, long := h.stores[0], h.stores[1]
			h.read(t, short, "stuck", func(time.Duration, error) {}) // the others gather behind it
			synctest.Wait()
			reads := []func(){func() {
				h.read(t, short, "stuck", func(took time.Duration, err error) {
					if took > time.Second || took < 7*time.Second/8 || fmt.Sprint(err) != "no answer within RedisTimeout, 1s" {
						t.Errorf("the short timeout ended after %v: %v", took, err)
					}
				})
			}, func() {
				h.read(t, long, "stuck", func(took time.Duration, err error) {
					switch {
					case answered && (err != nil || took != 3*time.Second):
						t.Errorf("the answer of the long timeout came after %v: %v", took, err)
					case !answered && (took > 4*time.Second || took < 7*time.Second/2 || fmt.Sprint(err) != "no answer within RedisTimeout, 4s"):
						t.Errorf("the long timeout ended after %v: %v", took, err)
					}
				})
			}}
			if longFirst {
				slices.Reverse(reads)
			}
			for _, read := range reads {
				read()
				synctest.Wait() // they join one batch in this order
			}
			if answered {
				time.AfterFunc(3*time.Second, h.answer)
			}
			h.all.Wait()
			h.answer()
			time.Sleep(time.Hour)
		})
	}
}

// Close of a store waits for its commands, and ends nothing of another store.
func TestCloseBesideOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hold(t, time.Minute, time.Minute, time.Minute)
		closed, other, idle := h.stores[0], h.stores[1], h.stores[2]
		var answered atomic.Int32
		wantAnswer := func(_ time.Duration, err error) {
			if answered.Add(1); err != nil {
				t.Error(err)
			}
		}
		h.read(t, other, "stuck", wantAnswer)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		h.all.Go(func() {
			_, err := closed.Read(ctx, "stuck", new(store.Entry), time.Now())
			if !errors.Is(err, context.Canceled) {
				t.Errorf("a caller that has left: %v", err)
			}
		})
		h.read(t, other, "stuck", wantAnswer)
		time.Sleep(5 * time.Millisecond) // until both are sent
		cancel()
		synctest.Wait()

		began := time.Now()
		idle.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("Close of a store without commands took %v", took)
		}
		time.AfterFunc(3*time.Second, h.answer)
		closed.Close()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("Close returned after %v, and a command of the store was answered after 3s", took)
		}
		h.all.Wait()
		if n := answered.Load(); n != 2 {
			t.Errorf("%d of 2 commands of the other store were answered", n)
		}
		if _, err := closed.Read(t.Context(), "k", new(store.Entry), time.Now()); err != store.ErrClosed {
			t.Errorf("Read of the closed store: %v", err)
		}
		if found, err := other.Read(t.Context(), "k", new(store.Entry), time.Now()); !found || err != nil {
			t.Errorf("Read of the other store: %v, %v", found, err)
		}
	})
}

// While large answers of one store are on their way, small ones of another store are not
// held up.
func TestLargeAnswersBesideSmallOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hold(t, time.Minute, time.Minute)
		large, small := h.stores[0], h.stores[1]
		if err := large.Put(t.Context(), deadline(), "large", entry("large", text(strings.Repeat("v", 1<<20))), time.Hour); err != nil {
			t.Fatal(err)
		}
		for range 10 { // the sizes are noted
			if found, err := large.Read(t.Context(), "large", new(store.Entry), time.Now()); !found || err != nil {
				t.Fatal(found, err)
			}
		}
		for range 10 * maxSenders {
			h.read(t, large, "stuck", func(_ time.Duration, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(10 * time.Millisecond) // until all senders of large answers have one
		for range 20 {
			h.read(t, small, "k", func(took time.Duration, err error) {
				if took > time.Millisecond || err != nil {
					t.Errorf("a small answer took %v: %v", took, err)
				}
			})
		}
		time.Sleep(time.Second)
		h.answer()
		h.all.Wait()
	})
}

// Hooks that are added before New see the store's commands, also when the client had another
// store before.
func TestHooksBetweenStores(t *testing.T) {
	for _, open := range clients {
		t.Run(open.name, func(t *testing.T) {
			rdb := open.open(&redis.UniversalOptions{
				Addrs: []string{"127.0.0.1:6379"}, Dialer: redistest.Mini(t).Client.(*redis.Client).Options().Dialer,
			})
			defer rdb.Close()
			first := newStore(t, rdb, codec.ShapeString)
			for range 2 { // the second read of a cluster goes to its master
				if _, _, err := read(t, first, "k"); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 3 {
				var u usage
				switch cluster, ok := rdb.(*redis.ClusterClient); {
				case i > 0:
					rdb.AddHook(hook{heard: u.hear})
				case !ok:
					continue
				default:
					master, err := cluster.MasterForKey(t.Context(), "k")
					if err != nil {
						t.Fatal(err)
					}
					master.AddHook(hook{heard: u.hear})
				}
				s := newStore(t, rdb, codec.ShapeString)
				for range 2 {
					if _, _, err := read(t, s, "k"); err != nil {
						t.Fatal(err)
					}
				}
				if n := len(u.commands); n != 2 {
					t.Errorf("hook %d heard of %q, want two reads", i, u.commands)
				}
			}
		})
	}
}

// What stores of one client have abandoned counts for all of them.
func TestAbandonedCommandsOfAllStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		speak := make(chan struct{})
		rdb := cluster(&redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}})
		rdb.AddHook(hook{process: func(context.Context, redis.Cmder) error {
			<-speak
			return redis.Nil
		}})
		defer rdb.Close()
		var stores []*store.Store
		for range 8 {
			stores = append(stores, newStore(t, rdb, codec.ShapeString))
		}
		for i := range 600 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_, err := stores[i%8].Read(ctx, "k", new(store.Entry), time.Now())
			cancel()
			if want := map[bool]error{true: context.DeadlineExceeded, false: store.ErrUnanswered}[i < 512]; err != want {
				t.Fatalf("call %d: %v, want %v", i, err, want)
			}
		}
		close(speak)
		synctest.Wait()
		if _, err := stores[0].Read(t.Context(), "k", new(store.Entry), time.Now()); err != redis.Nil {
			t.Errorf("once Redis answers: %v", err)
		}
		time.Sleep(time.Second) // go-redis pauses when it has looked for the masters
	})
}
