package flight

import "context"

// A Fence is a write of one or more keys that is under way.
type Fence[R any] struct {
	group *Group[R]
	keys  []string
}

// Fence begins a write of the keys: no flight that is under way, or starts
// before End, may store its result, and no caller that comes after End shares one
// of them. It returns when every store that was already announced has been
// answered, or with the error of ctx; End must be called in both cases.
func (g *Group[R]) Fence(ctx context.Context, keys ...string) (Fence[R], error) {
	w := Fence[R]{g, keys}
	var storing []*Flight[R]
	g.mu.Lock()
	for _, key := range keys {
		l := g.lane(key)
		l.writes++
		storing = append(storing, l.storing...)
		l.push()
	}
	g.mu.Unlock()
	for _, f := range storing {
		select {
		case <-f.stored:
		case <-ctx.Done():
			return w, ctx.Err()
		}
	}
	return w, nil
}

// push takes the flight out of the way of a write. Called with group.mu held.
func (l *lane[R]) push() {
	if l.flight != nil {
		l.flight.fenced = true
		l.flight = nil
	}
}

// End ends the write: call it when the write has been answered.
func (w Fence[R]) End() {
	w.group.mu.Lock()
	defer w.group.mu.Unlock()
	for _, key := range w.keys {
		w.group.changes[stripe(key)].Add(1)
		l := w.group.lanes[key]
		l.writes--
		l.push()
		w.group.tidy(key)
	}
}
