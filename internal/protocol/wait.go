package protocol

import (
	"context"
	"math/rand/v2"
	"time"
)

// wait waits while other processes load, and finishes the flights of what these have loaded.
// It returns the jobs whose leases are to be asked for again, once there are any: the other's
// lease is gone, or should have ended by now. (It was renewed then, or the server's clock has
// gone back; and the question shortens it.) While something is loaded here it returns when
// that has ended, and not before.
//
// A refresh needs a load of its own, and only waits for a while.
//
// What a Waker hears of is asked for at once, and a lease that this process has released. The
// rest has to be asked for still: nobody tells that the load of another process has failed, or
// found that there is nothing.
func (e *Engine) wait(ctx context.Context, r *Run, busy jobs, w *waiting, loaded <-chan struct{}) (open jobs) {
	w.watch(e.Waker, busy)
	busy.await(true)
	defer busy.await(false)
	for len(busy) > 0 && (loaded != nil || len(open) == 0) {
		var free, asking, still jobs
		select {
		case <-time.After(w.next(e.Waker.heard(busy))):
			asking = busy
		case <-w.wake:
			free, still = busy.partition(func(j *Job) bool { return j.released.Swap(false) })
			asking, still = still.partition(func(j *Job) bool { return j.woken.Load() })
		case <-loaded:
			return append(open, busy...)
		case <-ctx.Done():
			return append(open, busy...)
		}
		for _, j := range busy {
			j.budget = e.RedisTimeout // the time was the load's, not Redis's
		}
		if r.Refresh {
			return append(open, busy...)
		}
		open, busy = append(open, free...), still
		if len(asking) == 0 { // what has woken it may have been found already
			continue
		}
		for _, j := range asking {
			j.woken.Store(false)
			j.flight.Seal()
		}
		began, deadline := asking.start()
		finds := e.probeAll(ctx, deadline, asking)
		asking.spent(began)
		for i, j := range asking {
			leased := finds[i].err == nil && finds[i].entry.Leased
			found, err := e.found(ctx, r, j, finds[i])
			switch {
			case found || err != nil:
				j.finishFound(err)
			case !leased, loaded == nil && w.over():
				open = append(open, j)
			default:
				still = append(still, j)
			}
		}
		busy = still
	}
	return append(open, busy...)
}

// await says whether the flights wait for the loads of other processes.
func (all jobs) await(awaits bool) {
	for _, j := range all {
		j.flight.Awaits(awaits)
	}
}

// A waiting is the time for which a flight waits for the loads of other processes.
type waiting struct {
	began time.Time     // zero before the first
	ends  time.Time     // when the other's lease ends, unless it is renewed
	wake  chan struct{} // see Waker.watch; nil before

	watched jobs // that wake
}

// watch has the jobs woken from now on, if they are not yet.
func (w *waiting) watch(waker *Waker, all jobs) {
	if w.wake == nil {
		w.wake, w.watched = make(chan struct{}, 1), all
		waker.watch(all, w.wake)
	}
}

func (w *waiting) unwatch(waker *Waker) {
	if w.wake != nil {
		waker.unwatch(w.watched)
	}
}

// busy notes that the other's lease has so much of its TTL left.
func (w *waiting) busy(ttl time.Duration) {
	now := time.Now()
	if w.began.IsZero() {
		w.began = now
	}
	w.ends = now.Add(ttl)
}

// over reports whether the other's lease has outlived the TTL that it had left.
func (w *waiting) over() bool { return time.Now().After(w.ends) }

const (
	minPause      = 2 * time.Millisecond
	minPauseHeard = 10 * time.Millisecond // where the writes to the key are heard of
	maxPause      = 250 * time.Millisecond
)

// next returns how long to wait before Redis is asked again: about an eighth of the time
// waited so far, so that a short load is found to have ended within milliseconds, and a long
// one costs a few commands a second. Where the writes to the key are heard of it is as long as
// the time waited so far. The end of a dead process's lease is not slept through.
func (w *waiting) next(heard bool) time.Duration {
	d := max(time.Since(w.began)/8, minPause)
	if heard {
		d = max(time.Since(w.began), minPauseHeard)
	}
	d = min(d, maxPause)
	// So that processes do not ask in step.
	d += time.Duration((rand.Float64() - 0.5) / 2 * float64(d))
	if left := time.Until(w.ends); left >= 0 {
		d = min(d, left+time.Millisecond)
	}
	return d
}
