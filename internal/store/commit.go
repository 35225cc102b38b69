package store

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asidecache/aside/internal/client"
)

// A Commit is what a load stores, and where.
type Commit struct {
	Committer Committer
	State     State  // Present: the value of Entry, Absent: that the source has none, Missing: nothing
	Entry     *Entry // when Present
	TTL       time.Duration

	Stored bool // set by CommitAll: what Send returns
	Err    error
}

// Send stores the fill in one round trip. It reports false when the load was not permitted
// to store.
func (c Commit) Send(ctx context.Context, deadline time.Time) (stored bool, err error) {
	switch c.State {
	case Present:
		return c.Committer.Store(ctx, deadline, c.Entry, c.TTL)
	case Absent:
		return c.Committer.StoreAbsent(ctx, deadline, c.TTL)
	}
	return c.Committer.StoreNothing(ctx, deadline)
}

// call is what Send sends, unless that is more than a script of moderate size.
func (c Commit) call() (e client.Call, ok bool) {
	switch target := c.Committer.(type) {
	case *Lease:
		switch c.State {
		case Present:
			return target.filling(c.Entry, c.TTL)
		case Absent:
			return target.markerCall(markerAbsent, markerTTL(c.TTL).Milliseconds()), true
		}
		return target.markerCall(), true
	case leaseless:
		if target.store.Limited() {
			return e, false
		}
		switch c.State {
		case Present:
			return target.valueStep(c.Entry, c.TTL).call()
		case Absent:
			return target.absentStep(c.TTL).call()
		}
	}
	return e, false
}

// CommitAll is Send for many commits, and sets their results: a thousand a round trip, but
// large values, and all that replicas have to confirm, by themselves; and where scripts are
// refused, what can do without one.
func (s *Store) CommitAll(ctx context.Context, deadline time.Time, commits []Commit) {
	if len(commits) == 1 {
		c := &commits[0]
		c.Stored, c.Err = c.Send(ctx, deadline)
		return
	}
	var large, plain []int
	small, calls := make([]int, 0, len(commits)), make([]client.Call, 0, len(commits))
	for i, c := range commits {
		if c.fills() {
			plain = append(plain, i)
		} else if e, ok := c.call(); ok {
			small, calls = append(small, i), append(calls, e)
		} else {
			large = append(large, i)
		}
	}
	large = append(large, s.fillAll(ctx, deadline, commits, plain)...)
	for n, v := range s.EvalBools(ctx, deadline, calls) {
		c := &commits[small[n]]
		if _, leased := c.Committer.(*Lease); !leased && withoutScripts(v.Err) {
			large = append(large, small[n])
			continue
		}
		c.Stored, c.Err = v.Yes && v.Err == nil, v.Err
	}
	var lost atomic.Bool // what is sent by itself may be much, and is waited for anew each time
	client.ForEach(len(large), func(n int) {
		c, deadline := &commits[large[n]], deadline
		if n > 0 && !lost.Load() {
			deadline = s.NextTrip(deadline, nil)
		}
		if c.Stored, c.Err = c.Send(ctx, deadline); c.Err != nil {
			lost.Store(true)
		}
	})
}
