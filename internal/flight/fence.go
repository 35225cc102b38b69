package flight

import (
	"context"
	"time"
)

// A Fence is a write of one or more keys that is under way.
type Fence[R any] struct {
	group *Group[R]
	keys  []*keyState[R]
}

// Fence begins a write of the keys: no flight that is under way, or starts
// before End, may store its result, and no caller that comes after End shares one
// of them. It returns when every store that was already announced has been
// answered, or, when ctx ends or the deadline comes before, with an error. In both cases End
// must be called, once; keys may be reused at once.
func (g *Group[R]) Fence(ctx context.Context, deadline time.Time, keys ...string) (Fence[R], error) {
	w := Fence[R]{g, make([]*keyState[R], len(keys))}
	var stores []<-chan struct{}
	g.mu.Lock()
	for i, key := range keys {
		s := g.state(key)
		w.keys[i] = s
		s.writes++
		s.push()
		for _, f := range s.storing {
			stores = append(stores, f.settling())
		}
	}
	g.mu.Unlock()
	if len(stores) == 0 {
		return w, nil
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for _, stored := range stores {
		select {
		case <-stored:
		case <-ctx.Done():
			return w, ctx.Err()
		}
	}
	return w, nil
}

// End ends the write: call it when the write has been answered.
func (w Fence[R]) End() {
	w.group.mu.Lock()
	defer w.group.mu.Unlock()
	for _, s := range w.keys {
		w.group.changes.add(s.key) // before a caller can lead the next flight
		s.writes--
		s.push()
		w.group.tidy(s)
	}
}
