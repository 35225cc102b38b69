package model

// canonical replaces a state by the one that stands for all that differ from it only
// in the numbers of equal processes, callers or writers, and in the numbers of
// tokens and lives. Equal states that it does not recognise cost time, and no more.
func (w *world) canonical(s *state) {
	w.renameLives(s)
	for p, callers := range w.Readers {
		if callers > 1 {
			sortFew(s.processes[p].callers[:], func(c *caller) key { return key{c.key()} })
		}
	}
	first := 0
	for _, n := range w.kinds {
		sortFew(s.processes[first:first+n], func(p *process) key { return p.key(s) })
		first += n
	}
	for first, n := 0, 0; first < len(w.Writes); first += n {
		for n = 1; first+n < len(w.Writes) && w.Writes[first+n] == w.Writes[first] &&
			w.writerVersion(first+n) == w.writerVersion(first); n++ {
		}
		sortFew(s.writers[first:first+n], func(w *writer) key { return key{uint64(w.phase), uint64(w.version)} })
	}
	if w.VersionFence {
		return // its counts are no names
	}
	if s.sea == ([maxSea]command{}) {
		s.renameTokens()
		return
	}
	sortFew(s.sea[:], func(c *command) key { return c.key(s.relation(c.token), 0) })
	s.renameTokens()
	sortFew(s.sea[:], func(c *command) key { return c.key(c.token, c.previous) })
}

// A key orders things of a kind.
type key [2]uint64

// renameLives leaves of all lives only whether they are the value's: one that has
// ended does not come back.
func (w *world) renameLives(s *state) {
	rename := func(saw *uint8, form uint8) {
		switch *saw {
		case 0:
		case s.values[form].life:
			*saw = 1
		default:
			*saw = 2
		}
	}
	for i := range w.processes() {
		rename(&s.processes[i].flight.saw, w.processVersion(i))
	}
	for i := range s.sea {
		rename(&s.sea[i].saw, s.sea[i].form)
	}
	for form := range s.values {
		rename(&s.values[form].life, uint8(form))
	}
}

// renameTokens numbers the tokens in the order in which they are met.
func (s *state) renameTokens() {
	var names [32]uint8
	next := uint8(1)
	rename := func(token *uint8) {
		if *token == 0 {
			return
		}
		if names[*token] == 0 {
			names[*token] = next
			next++
		}
		*token = names[*token]
	}
	for i := range s.control {
		rename(&s.control[i].token)
	}
	for i := range s.processes {
		rename(&s.processes[i].flight.token)
		rename(&s.processes[i].flight.previous)
	}
	for i := range s.sea {
		rename(&s.sea[i].token)
		rename(&s.sea[i].previous)
	}
}

// relation says where else a token is known, in place of its number.
func (s *state) relation(token uint8) (r uint8) {
	if token == 0 {
		return 0
	}
	r = 1
	for i := range s.control {
		if s.control[i].names(token) {
			r++
		}
	}
	for i := range s.sea {
		if c := &s.sea[i]; c.token == token || c.previous == token {
			r += 2 * uint8(c.op)
		}
	}
	return r
}

func (p process) key(s *state) key {
	f := p.flight
	return key{
		fields(bit(p.dead), uint8(f.phase), uint8(f.status), s.relation(f.token), s.relation(f.previous),
			f.saw, f.mark, f.version, f.began, f.loads, bit(f.uncached)|bit(f.background)<<1),
		p.callers[0].key()<<30 | p.callers[1].key(),
	}
}

func (c command) key(token, previous uint8) key {
	return key{fields(uint8(c.op), c.form, token, previous, bit(c.beside), c.saw, c.mark, c.version, c.began)}
}

func (c caller) key() uint64 {
	return fields(c.calls, uint8(c.phase), c.floor, c.turns, uint8(c.entitled), bit(c.blind))
}

// fields puts numbers below 32 side by side.
func fields(of ...uint8) (together uint64) {
	for _, f := range of {
		together = together<<5 | uint64(f)
	}
	return together
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// sortFew sorts a handful of things by falling keys.
func sortFew[T any](of []T, keyOf func(*T) key) {
	if len(of) < 2 {
		return
	}
	var keys [maxProcesses]key
	for i := range of {
		keys[i] = keyOf(&of[i])
		for j := i; j > 0 && less(keys[j-1], keys[j]); j-- {
			keys[j-1], keys[j] = keys[j], keys[j-1]
			of[j-1], of[j] = of[j], of[j-1]
		}
	}
}

func less(a, b key) bool { return a[0] < b[0] || a[0] == b[0] && a[1] < b[1] }
