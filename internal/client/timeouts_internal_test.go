package client

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// Of two callers that find no bucket, the second one must not get that of the first if it
// began before that: it would wait longer than it may.
func TestWindowsOfCallersThatBeganApart(t *testing.T) {
	for range 5000 {
		p := new(executor).timeoutsOf(time.Minute)
		now := time.Now()
		var both sync.WaitGroup
		for _, began := range []time.Time{now, now.Add(-p.timeout / 3)} {
			both.Go(func() {
				if w := p.bucketOf(began); w != nil && !w.has(began) {
					t.Errorf("a call that began %v ago may wait until %v from now", now.Sub(began), w.from.Add(p.timeout).Sub(now))
				}
			})
		}
		both.Wait()
	}
}

// A command that is under way goes on when no further connection can be made: it has one, or
// go-redis ends it.
func TestCommandUnderWayIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Client{timeouts: new(executor).timeoutsOf(time.Minute)}
		ctx := s.Context(t.Context(), time.Now())
		w := ctx.(*deadlineContext).bucket
		time.AfterFunc(time.Second, func() { w.giveUp(&unreachableError{io.EOF}) })
		v, err := detach(ctx, &detached{abandoned: new(atomic.Int32)}, func(context.Context) (string, error) {
			time.Sleep(2 * time.Second)
			return "answer", nil
		})
		if v != "answer" || err != nil {
			t.Errorf("%q, %v, want the answer", v, err)
		}
		if err := ctx.Err(); err == nil || IsRefused(err) || IsConnectionLost(err) {
			t.Errorf("error %v, want one that leaves open what was carried out", err)
		}
		time.Sleep(time.Minute)
	})
}

// A caller leaves when no connection can be made, unless its batch is being sent.
func TestPassengersWithoutAConnection(t *testing.T) {
	for _, sent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := new(executor).newClient(time.Minute)
			s.small.senders = maxSenders // none comes back
			began := time.Now()
			w := s.timeouts.bucket(began)
			time.AfterFunc(time.Second, func() {
				if sent {
					s.small.next()
				}
				w.giveUp(&unreachableError{io.EOF})
			})
			want := time.Second
			if sent {
				want = time.Minute
			}
			err := s.share(t.Context(), queuedCommand{cmd: redis.NewCmd(t.Context(), "get", "k")})
			if took := time.Since(began); took != want || err != w.err {
				t.Errorf("sent %v: %v after %v, want %v", sent, err, took, want)
			}
			if !sent && s.small.waiting[0].size > 0 {
				t.Error("it is still in the batch")
			}
			s.small.delay.Stop()
			time.Sleep(time.Minute)
		})
	}
}
