package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/faultnet"
)

// inBubble runs a test in a bubble, and all timers of what it has left behind.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			test(t)
			time.Sleep(time.Hour)
		})
	})
}

// stuckExecutor returns an executor none of whose senders comes back.
func stuckExecutor() *executor {
	x := new(executor)
	x.small.senders = maxSenders
	return x
}

// queue has a client send a command along with others, and says when that has ended and how.
func queue(t *testing.T, c *Client, ctx context.Context, ended func(took time.Duration, err error)) {
	began := time.Now()
	go func() {
		err := c.share(ctx, queuedCommand{cmd: redis.NewCmd(ctx, "get", "k")})
		ended(time.Since(began), err)
	}()
	synctest.Wait()
}

// wantEnd is for queue.
func wantEnd(t *testing.T, what string, after time.Duration, want func(error) bool) func(time.Duration, error) {
	return func(took time.Duration, err error) {
		if took != after || !want(err) {
			t.Errorf("%s: %v after %v, want its end after %v", what, err, took, after)
		}
	}
}

func isLate(err error) bool { return errors.Is(err, context.DeadlineExceeded) }

// Callers of one batch leave each at its own time, while the batch is being sent and while it is
// not, and leave the others alone.
func TestCallersLeaveABatch(t *testing.T) {
	for _, sent := range []bool{false, true} {
		inBubble(t, fmt.Sprint("sent ", sent), func(t *testing.T) {
			x := stuckExecutor()
			first, second, third := x.newClient(time.Minute), x.newClient(time.Minute), x.newClient(time.Hour)
			queue(t, third, t.Context(), wantEnd(t, "a longer timeout", time.Hour, isLate))
			queue(t, first, t.Context(), wantEnd(t, "the timeout", time.Minute, isLate))
			queue(t, second, t.Context(), wantEnd(t, "the timeout of another store", time.Minute, isLate))
			soon, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			queue(t, first, soon, wantEnd(t, "a context that ends", time.Second, isLate))
			queue(t, first, first.Context(soon, time.Now()), wantEnd(t, "a bounded one", time.Second, isLate))
			x.small.mu.Lock()
			b := x.small.waiting[0]
			if len(x.small.waiting) != 1 || len(b.parts) != 2 || b.size != 5 {
				t.Fatalf("%d batches, the first of %d parts and %d commands, want 1 of 2 and 5", len(x.small.waiting), len(b.parts), b.size)
			}
			x.small.mu.Unlock()
			if sent {
				x.small.next()
			}
			for _, left := range []struct {
				after time.Duration
				size  int
			}{{2 * time.Second, 3}, {2 * time.Minute, 1}, {2 * time.Hour, 0}} {
				time.Sleep(left.after)
				synctest.Wait()
				x.small.mu.Lock()
				if want := map[bool]int{true: 5, false: left.size}[sent]; b.size != want {
					t.Errorf("%d commands after %v, want %d", b.size, left.after, want)
				}
				x.small.mu.Unlock()
			}
			x.small.delay.Stop()
		})
	}
}

// A call that comes to share a pipeline when its time is over, or no connection can be made,
// leaves at once: nobody would wake it.
func TestCallThatComesTooLateForABatch(t *testing.T) {
	inBubble(t, "", func(t *testing.T) {
		x := stuckExecutor()
		c := x.newClient(time.Minute)
		began := time.Now()
		w := c.timeouts.bucket(began)
		w.giveUp(&unreachableError{io.EOF})
		err := c.shareSince(t.Context(), began, queuedCommand{cmd: redis.NewCmd(t.Context(), "get", "k")})
		if err != w.err || time.Since(began) != 0 || len(x.small.waiting) != 0 {
			t.Errorf("%v after %v with %d batches, want %v at once", err, time.Since(began), len(x.small.waiting), w.err)
		}
	})
}

// The bounded context of another client, as a hook of that has it, ends a wait as the end of the
// context that it is made of does, and at its deadline.
func TestContextOfAnotherClient(t *testing.T) {
	inBubble(t, "", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		other, x := new(executor).newClient(time.Minute), stuckExecutor()
		c := x.newClient(time.Hour)
		queue(t, c, other.Context(ctx, time.Now()), wantEnd(t, "cancelled", 10*time.Second, func(err error) bool {
			return errors.Is(err, context.Canceled)
		}))
		queue(t, c, other.Context(t.Context(), time.Now()), wantEnd(t, "at its deadline", time.Minute, isLate))
		queue(t, x.newClient(time.Second), c.Context(t.Context(), time.Now()),
			wantEnd(t, "of a store of the same client", time.Second, isLate))
		time.Sleep(time.Hour)
		x.small.delay.Stop()
	})
}

// Close of the last store waits for an attempt to connect; that of another one does not.
func TestCloseDuringAnAttemptToConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Dialer: faultnet.Hanging})
		defer rdb.Close()
		const timeout = 8 * time.Second
		a, b := mustNewFor(t, rdb, timeout), mustNewFor(t, rdb, timeout)
		var call sync.WaitGroup
		call.Go(func() {
			if _, err := a.ReadReply(a.Context(t.Context(), time.Now()), "get", "k"); err == nil {
				t.Error("an answer")
			}
		})
		time.Sleep(timeout / 2)
		attempts := func() int {
			a.attempt.mu.Lock()
			defer a.attempt.mu.Unlock()
			return len(a.attempt.waiting)
		}
		if n := attempts(); n != 1 {
			t.Fatalf("%d attempts", n)
		}
		began := time.Now()
		b.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("Close of a store beside another one took %v", took)
		}
		a.Close()
		if took := time.Since(began); took != timeout*3/8 || attempts() != 0 {
			t.Errorf("Close took %v, want %v; %d attempts left", took, timeout*3/8, attempts())
		}
		call.Wait()
		time.Sleep(time.Hour)
	})
}

func mustNewFor(t *testing.T, rdb redis.UniversalClient, timeout time.Duration) *Client {
	t.Helper()
	c, err := New(rdb, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What callers take that wait for batches, each with a context of its own, without what it takes
// to send those.
func BenchmarkBatches(b *testing.B) {
	for _, callers := range []int{16, 128, 1024} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			x := stuckExecutor()
			x.small.senders = 1 << 40 // one less with each time that nothing is waiting
			x.inFlight.count.Store(int32(callers))
			var over atomic.Bool
			defer over.Store(true)
			go func() {
				for !over.Load() {
					runtime.Gosched()
					if sent := x.small.next(); sent != nil {
						sent.end(nil, nil)
						x.small.end(sent)
					}
				}
			}()
			c := x.newClient(time.Minute)
			b.ReportAllocs()
			b.SetParallelism((callers + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				cmd := redis.NewCmd(ctx, "get", "k")
				began := time.Now()
				for pb.Next() {
					if err := c.shareSince(ctx, began, queuedCommand{cmd: cmd}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
