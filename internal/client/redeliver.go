package client

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// Deletes that Redis has not acknowledged are sent again by a goroutine, a thousand a round trip,
// that runs while there are any. The pauses are random, so that the processes of a fleet do not
// send in step; the closing of a breaker ends a pause, as does the next delete while none is open.
const (
	minDeliveryPause = 50 * time.Millisecond
	maxDeliveryPause = 5 * time.Second

	maxDeliveryTimeout = 10 * time.Second // of one round trip
)

// start starts the goroutine, unless it runs; the caller holds the lock.
func (u *undelivered) start(x *executor) {
	if u.running {
		return
	}
	u.prepare()
	u.running = true
	u.workers.Add(1)
	go x.redeliver(u.ctx, u.wake)
}

// prepare makes what the goroutines need; the caller holds the lock.
func (u *undelivered) prepare() {
	if u.cancel == nil {
		u.ctx, u.cancel = context.WithCancel(context.Background())
		u.wake = make(chan struct{}, 1)
	}
}

// worker returns the context of one more goroutine, which is to call workers.Done. It reports
// false when the last store is closed.
func (u *undelivered) worker() (context.Context, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopped {
		return nil, false
	}
	u.prepare()
	u.workers.Add(1)
	return u.ctx, true
}

// wakeUp ends a pause.
func (u *undelivered) wakeUp() {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if !u.running {
		return
	}
	select {
	case u.wake <- struct{}{}:
	default: // nobody waits, or another one has woken it
	}
}

// wait returns how long to wait after an attempt, with a pause where there is something to deliver.
func (u *undelivered) wait(pause time.Duration) time.Duration {
	pause = random(pause)
	u.mu.RLock()
	defer u.mu.RUnlock()
	if len(u.deletes) > 0 || u.bypass != nil {
		return pause
	}
	var next time.Time
	for _, d := range u.unsettled {
		if next.IsZero() || d.due.Before(next) {
			next = d.due
		}
	}
	return max(pause, time.Until(next))
}

// redeliver sends deletes until none is left.
func (x *executor) redeliver(ctx context.Context, wake <-chan struct{}) {
	u := &x.undelivered
	defer u.workers.Done()
	clients := make(map[string]*Client) // by the prefix of their control keys
	pause := minDeliveryPause
	for !u.finished() {
		timer := time.NewTimer(u.wait(pause))
		select {
		case <-timer.C:
		case <-wake:
			timer.Stop()
			pause = minDeliveryPause
			select {
			case <-time.After(random(pause)): // for others that fail at the same time
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			timer.Stop()
			return
		}
		if x.deliver(ctx, clients, u.due(time.Now())) {
			pause = minDeliveryPause
		} else {
			pause = min(2*pause, maxDeliveryPause)
		}
	}
}

func random(pause time.Duration) time.Duration { return pause/2 + rand.N(pause/2) }

// finished ends the goroutine when nothing is left.
func (u *undelivered) finished() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.running = len(u.deletes)+len(u.unsettled) > 0 || u.bypass != nil
	return !u.running
}

// A kindOfDelete is what deletes have in common that share a round trip.
type kindOfDelete struct {
	prefix   string
	replicas int
}

// deliver sends deletes, and reports whether Redis has acknowledged any.
func (x *executor) deliver(
	ctx context.Context, clients map[string]*Client, due []*Delete,
) (any bool) {
	x.sendAll(ctx, clients, due, func(acknowledged []*Delete) {
		any = true
		x.undelivered.delivered(acknowledged, x.abandoned.Load() > 0)
	})
	return any
}

// sendAll sends deletes, those of a kind until Redis has acknowledged none of a thousand, and calls
// a function with those of a thousand that it has acknowledged.
func (x *executor) sendAll(
	ctx context.Context, clients map[string]*Client, due []*Delete, done func([]*Delete),
) {
	kinds := make(map[kindOfDelete][]*Delete)
	for _, d := range due {
		kind := kindOfDelete{d.Prefix, d.Replicas}
		kinds[kind] = append(kinds[kind], d)
	}
	for kind, all := range kinds {
		c := clients[kind.prefix]
		if c == nil {
			c = x.newClient(min(x.breakers.longest(), maxDeliveryTimeout))
			c.SetControlPrefix(kind.prefix)
			clients[kind.prefix] = c
		}
		for part := range slices.Chunk(all, CallsPerTrip) {
			ended := telling(part)
			acknowledged := c.sendDeletes(ctx, part, kind.replicas)
			ended(acknowledged)
			if len(acknowledged) == 0 {
				break
			}
			for _, d := range acknowledged {
				x.Record(d.Key, d.By)
			}
			done(acknowledged)
		}
	}
}

// sendDeletes returns those that Redis has acknowledged.
func (c *Client) sendDeletes(
	ctx context.Context, deletes []*Delete, replicas int,
) (acknowledged []*Delete) {
	steps := make([]Step, len(deletes)) // those of the last time may still be in use
	for i, d := range deletes {
		steps[i] = d.Step()
	}
	errs, err := []error(nil), errNoAnswer
	contain(func() { // a hook leaves err as it is
		errs, err = RunUntil(ctx, c, time.Now().Add(c.timeouts.timeout),
			func(ctx context.Context) ([]error, error) {
				errs, err := c.SendSteps(ctx, steps, false, replicas)
				c.RecordLosses(errs)
				return errs, err
			})
	})
	if err != nil {
		return nil
	}
	for i, d := range deletes {
		if errs[i] == nil {
			acknowledged = append(acknowledged, d)
		}
	}
	return acknowledged
}

// end ends the goroutine, and gives up what is not delivered. The channel is closed when it has
// ended.
func (u *undelivered) end() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cancel != nil {
		u.cancel()
	}
	u.stopped = true
	ended := make(chan struct{})
	go func() {
		u.workers.Wait()
		close(ended)
	}()
	return ended
}
