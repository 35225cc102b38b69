package cache_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// A meter counts the commands that clients send to a miniredis.
type meter struct{ reads, others atomic.Int64 }

func newMeter(t *testing.T, env *redistest.Env) *meter {
	if err := env.Client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	m := new(meter)
	var connections sync.Map
	env.Mini.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		if command == "HELLO" {
			connections.Store(p, nil)
		}
		_, sent := connections.Load(p) // not by a script
		switch {
		case !sent:
		case strings.HasPrefix(command, "EVAL"):
			m.others.Add(1)
		case command == "GET":
			m.reads.Add(1)
		}
		return false
	})
	return m
}

// readAll has many readers of a key in each of some caches, for a while.
func readAll(t *testing.T, caches []*cache.Cache[string, string], readers int, every, until time.Duration, load func(context.Context, string) (string, error)) (slow int64) {
	var wg sync.WaitGroup
	var waited atomic.Int64
	began := time.Now()
	for _, c := range caches {
		for i := range readers {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Microsecond)
				for time.Since(began) < until {
					at := time.Now()
					if _, err := c.GetOrSet(t.Context(), "k", load); err != nil {
						t.Error(err)
					}
					if time.Since(at) > 100*time.Millisecond {
						waited.Add(1)
					}
					time.Sleep(every)
				}
			})
		}
	}
	wg.Wait()
	return waited.Load()
}

// The readers of a hot key that has turned stale ask Redis for nothing but its value: one of them
// asks for the lease, and those of another process once.
func TestHotStaleKey(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		m := newMeter(t, env)
		cfg := staleConfig()
		caches := []*cache.Cache[string, string]{open(t, env.NewClient(t), cfg), open(t, env.NewClient(t), cfg)}
		if err := caches[0].Set(t.Context(), "k", "old"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		var source versions
		before := m.others.Load()
		slow := readAll(t, caches, 500, 200*time.Millisecond, 2500*time.Millisecond, source.load)
		source.want(t, 1)
		if n := m.others.Load() - before; n > 8 { // two acquires, a commit or a renewal, and their scripts that are not known yet
			t.Errorf("%d scripts were sent, want 8 at most, beside %d reads", n, m.reads.Load())
		}
		if slow > 0 {
			t.Errorf("%d reads waited", slow)
		}
	})
}

// A process that dies while it refreshes keeps the value stale for one lease at most, for which
// nobody asks again.
func TestDeadRefresherCostsOneLease(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		m := newMeter(t, env)
		c := open(t, env.NewClient(t), staleConfig())
		if err := c.Set(t.Context(), "k", "old"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		env.Client.Set(t.Context(), control(c.RedisKey("k")), "L0123456789abcdef", 3*time.Second)
		caches := []*cache.Cache[string, string]{c}
		var source versions
		before := m.others.Load()
		if slow := readAll(t, caches, 300, 200*time.Millisecond, 2900*time.Millisecond, source.load); slow > 0 {
			t.Errorf("%d reads waited", slow)
		}
		source.want(t, 0)
		if n := m.others.Load() - before; n > 2 {
			t.Errorf("%d scripts were sent while the lease stood, want one, which may be sent again", n)
		}
		readAll(t, caches, 300, 200*time.Millisecond, 1500*time.Millisecond, source.load)
		source.want(t, 1)
		if e := wantState(t, c, "k", cache.Present); e.Value != "v1" {
			t.Errorf("Entry = %+v", e)
		}
	})
}

// How many calls wait for a load, for each thousand times that the TTL of a key ends.
func TestWaitsOfExpiries(t *testing.T) {
	const expiries = 100
	for _, staleFor := range []time.Duration{cache.Off, time.Minute} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			c := open(t, env.Client, config{TTL: time.Minute, StaleFor: staleFor})
			var source versions
			waits, reads := 0, 0
			for range expiries {
				_, _ = c.GetOrSet(t.Context(), "k", source.load)
				e, err := c.Entry(t.Context(), "k")
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(e.TTL - time.Second)
				waited := readAll(t, []*cache.Cache[string, string]{c}, 4, 250*time.Millisecond, 3*time.Second, source.load)
				waits += int(waited)
				reads += 4 * 12
			}
			t.Logf("StaleFor %v: %d calls waited per 1,000 expiries, about %d read around each; %.2f loads for each; %+v",
				staleFor, waits*1000/expiries, reads/expiries, float64(source.loads.Load())/expiries, fmt.Sprintf("%d stale hits", c.Stats().StaleHits))
			switch {
			case staleFor == cache.Off && waits < expiries:
				t.Errorf("%d calls waited in %d expiries without StaleFor", waits, expiries)
			case staleFor > 0 && waits > 0:
				t.Errorf("%d calls waited with StaleFor", waits)
			}
		})
	}
}
