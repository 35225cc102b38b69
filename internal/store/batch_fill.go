package store

import (
	"context"
	"time"
)

// A Fill is what a load stores, and where.
type Fill struct {
	Target Target
	State  State  // Present: the value of Entry, Absent: that the source has none, Missing: nothing
	Entry  *Entry // when Present
	TTL    time.Duration
}

// Send stores the fill in one round trip. It reports false when the load was not permitted
// to store.
func (f Fill) Send(ctx context.Context, deadline time.Time) (stored bool, err error) {
	switch f.State {
	case Present:
		return f.Target.Store(ctx, deadline, f.Entry, f.TTL)
	case Absent:
		return f.Target.StoreAbsent(ctx, deadline, f.TTL)
	}
	return f.Target.StoreNothing(ctx, deadline)
}

// errand is what Send sends, unless that is more than a script of moderate size.
func (f Fill) errand() (e errand, ok bool) {
	switch target := f.Target.(type) {
	case *Lease:
		switch f.State {
		case Present:
			return target.filling(f.Entry, f.TTL)
		case Absent:
			return target.marking(markAbsent, markTTL(f.TTL).Milliseconds()), true
		}
		return target.marking(), true
	case unleased:
		switch f.State {
		case Present:
			return target.store.PutStep(target.key, f.Entry, f.TTL).errand()
		case Absent:
			return target.store.PutAbsentStep(target.key, f.TTL).errand()
		}
	}
	return e, false
}

// A Filled is what Send returns.
type Filled struct {
	Stored bool
	Err    error
}

// SendAll is Send for many fills: a thousand a round trip, but large values, and all that
// replicas have to confirm, by themselves; and where scripts are refused, what can do
// without one.
func (s *Store) SendAll(ctx context.Context, deadline time.Time, fills []Fill) []Filled {
	out := make([]Filled, len(fills))
	var small, large []int
	errands := make([]errand, 0, len(fills))
	for i, f := range fills {
		if e, ok := f.errand(); ok {
			small, errands = append(small, i), append(errands, e)
		} else {
			large = append(large, i)
		}
	}
	for n, v := range s.judgeAll(ctx, deadline, len(small), func(n int) errand { return errands[n] }) {
		if _, leased := fills[small[n]].Target.(*Lease); !leased && withoutScripts(v.err) {
			large = append(large, small[n])
			continue
		}
		out[small[n]] = Filled{v.yes && v.err == nil, v.err}
	}
	forEach(len(large), func(n int) {
		i := large[n]
		out[i].Stored, out[i].Err = fills[i].Send(ctx, deadline)
	})
	return out
}
