package flight

// A keyState is the flights and writes of one key. It is guarded by Group.mu, and not in
// Group.keys when there are none.
type keyState[R any] struct {
	key     string
	flight  *Flight[R]   // the one that callers join
	next    *Flight[R]   // of refreshes: begins when flight has ended or is out of the way
	writes  int          // writes under way
	storing []*Flight[R] // out of the way, but their stores are not yet answered
}

// state returns the state of key, a new one if need be. It is called with g.mu held, to add
// something.
func (g *Group[R]) state(key string) *keyState[R] {
	s := g.keys[key]
	if s == nil {
		s = new(keyState[R])
		g.add(key, s)
	}
	return s
}

// add adds the state of a key that has none.
func (g *Group[R]) add(key string, s *keyState[R]) {
	if g.keys == nil {
		g.keys = make(map[string]*keyState[R])
	}
	s.key = key
	g.keys[key] = s
}

// joinable returns the flight that a caller may join, nil for none. A refresh joins the one behind
// the flight that is under way, and not of this very call.
func (s *keyState[R]) joinable(refresh bool) (f *Flight[R], later bool) {
	switch {
	case s == nil:
		return nil, false
	case refresh && s.flight != nil && s.flight.exec != nil:
		return s.next, true
	}
	return s.flight, false
}

// admit lets f begin now, or after the flight that is under way. Called with
// group.mu held.
func (s *keyState[R]) admit(f *Flight[R]) {
	if s.flight != nil {
		s.next = f
		return
	}
	s.flight = f
	f.fenced = s.writes > 0
	if f.runs {
		f.exec.start()
	}
}

// push moves the flight out of the way of a write. Called with group.mu held.
func (s *keyState[R]) push() {
	f := s.flight
	if f == nil {
		return
	}
	f.fenced = true
	if f.storing && !f.settled {
		s.storing = append(s.storing, f)
	}
	s.advance()
}

// advance replaces the flight by the next. Called with group.mu held.
func (s *keyState[R]) advance() {
	next := s.next
	s.flight, s.next = nil, nil
	if next != nil {
		s.admit(next)
	}
}

// tidy forgets the state of a key without flights and writes. It is called with group.mu held,
// after something was removed.
func (g *Group[R]) tidy(s *keyState[R]) {
	if s.flight == nil && s.writes == 0 && len(s.storing) == 0 {
		delete(g.keys, s.key)
	}
}
