package client

import (
	"context"
	"math/rand/v2"
	"time"
)

// A server whose breaker is open is probed by a goroutine, one command at a time, until it
// answers: so no caller waits to find out. The pauses are random, so that the processes of a
// fleet do not probe in step. A client that nobody has used for a while rests: the next
// caller has the probes begin again.

const (
	minProbePause = 100 * time.Millisecond
	maxProbePause = 500 * time.Millisecond
	restAfter     = time.Minute
)

// startProber starts to probe a server, unless it is probed; the caller holds the lock.
func (b *breakers) startProber(x *executor, br *breaker) {
	if br.probing {
		return
	}
	if b.stop == nil {
		b.stop = make(chan struct{})
	}
	br.probing = true
	b.probers.Add(1)
	go x.probe(br, br.key, b.stop)
}

// probe probes a server until it answers, or nobody wants to know.
func (x *executor) probe(br *breaker, key string, stop <-chan struct{}) {
	defer x.breakers.probers.Done()
	for pause := minProbePause; ; pause = min(2*pause, maxProbePause) {
		if x.breakers.probed(br, x.ask(key)) {
			x.undelivered.wakeUp()
			return
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
		case <-stop:
			return
		}
	}
}

// probed notes the outcome of a probe, and reports whether it was the last one.
func (b *breakers) probed(br *breaker, o outcome) (last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if br.first != nil {
		defer close(br.first)
		br.first = nil
	}
	switch {
	case b.of[br.server] != br: // it has answered meanwhile
	case o == serves:
		b.close(br)
	case b.stopped:
	case br.open == nil:
		if o != unasked {
			b.trip(br)
		}
		return false
	case time.Since(b.asked) > restAfter:
		br.probing = false
	default:
		return false
	}
	return true
}

// ask asks for a key that a server has not answered for. The command goes the way of all
// others, over the client's pool and through its hooks, and reads the data: an answer to a PING
// would not tell that these work, and may come from a proxy.
func (x *executor) ask(key string) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), x.breakers.longest())
	defer cancel()
	if server, err := x.master(notAsked, key); err == nil && server != nil {
		allowDials(server)
	}
	err := errNoAnswer
	contain(func() { // what greets connections, or a hook, leaves err as it is
		if x.synchronous {
			err = x.exists(ctx, key)
		} else {
			_, err = detach(ctx, &x.detached, func(ctx context.Context) (struct{}, error) {
				return struct{}{}, x.exists(ctx, key)
			})
		}
	})
	if err != nil {
		x.reloads.want(x.rdb)
	}
	return outcomeOf(err)
}

// exists asks whether there is a key.
func (x *executor) exists(ctx context.Context, key string) error {
	return x.persist(func() error {
		cmd := NewSmall(ctx, "exists", key)
		err := processOn(ctx, x.rdb, cmd.RawWriteToCmd)
		if err == nil {
			_, err = cmd.Int()
		}
		return err
	})
}

// persist calls ask, again where only the connection was lost: all that there are in the pool may
// be dead, of a server that is there.
func (x *executor) persist(ask func() error) (err error) {
	for range 1 + min(x.rdb.PoolStats().TotalConns, maxDead) {
		if err = ask(); !IsConnectionLost(err) {
			break
		}
	}
	return err
}

// maxDead is how many connections of the pool persist may find dead.
const maxDead = 100

func (b *breakers) longest() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.longestTimeout
}

// end ends all probes. The channel is closed when none is under way.
func (b *breakers) end() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop == nil {
		b.stop = make(chan struct{})
	}
	if !b.stopped {
		b.stopped = true
		close(b.stop)
	}
	ended := make(chan struct{})
	go func() {
		b.probers.Wait()
		b.changes.wait()
		close(ended)
	}()
	return ended
}
