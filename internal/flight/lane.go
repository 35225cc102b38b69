package flight

// A lane is what goes on about one key. It is guarded by Group.mu, and not in
// Group.lanes when it is idle.
type lane[R any] struct {
	group   *Group[R]
	key     string
	flight  *Flight[R]   // the one that callers join
	next    *Flight[R]   // of refreshes: begins when flight is out of the way
	writes  int          // writes under way
	storing []*Flight[R] // out of the way, but their stores are not yet answered
}

// lane returns the lane of key, a new one if need be. Called with g.mu held, by
// who puts something there.
func (g *Group[R]) lane(key string) *lane[R] {
	l := g.lanes[key]
	if l == nil {
		if g.lanes == nil {
			g.lanes = make(map[string]*lane[R])
		}
		l = &lane[R]{group: g, key: key}
		g.lanes[key] = l
	}
	return l
}

// admit lets f begin now, or after the flight that is under way. Called with
// group.mu held.
func (l *lane[R]) admit(f *Flight[R]) {
	if l.flight != nil {
		l.next = f
		return
	}
	l.flight = f
	f.fenced = l.writes > 0
	f.start()
}

// push takes the flight out of the way of a write. Called with group.mu held.
func (l *lane[R]) push() {
	f := l.flight
	if f == nil {
		return
	}
	f.fenced = true
	if f.storing && !f.settled {
		l.storing = append(l.storing, f)
	}
	l.advance()
}

// advance replaces the flight by the next. Called with group.mu held.
func (l *lane[R]) advance() {
	next := l.next
	l.flight, l.next = nil, nil
	if next != nil {
		l.admit(next)
	}
}

// tidy forgets the lane if nothing goes on there any more. Called with group.mu
// held, by who has taken something away.
func (l *lane[R]) tidy() {
	if l.flight == nil && l.writes == 0 && len(l.storing) == 0 {
		delete(l.group.lanes, l.key)
	}
}
