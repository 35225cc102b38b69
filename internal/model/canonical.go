package model

// canonical turns a state into the one that stands for all which differ from it only
// in who of several equal processes, callers or writers is who, and in the numbers of
// tokens and lives. What it fails to recognise as equal costs time, and no more.
func (w *world) canonical(s *state) {
	s.renameLives()
	for p := range w.processes() {
		if c := &s.processes[p].callers; c[1].key() > c[0].key() {
			c[0], c[1] = c[1], c[0]
		}
	}
	first := 0
	for _, n := range w.kinds {
		sortFew(s.processes[first:first+n], func(p *process) [2]uint64 { return p.key(s) })
		first += n
	}
	for first, n := 0, 0; first < len(w.Writes); first += n {
		for n = 1; first+n < len(w.Writes) && w.Writes[first+n] == w.Writes[first]; n++ {
		}
		sortFew(s.writers[first:first+n], func(w *writer) [2]uint64 { return [2]uint64{uint64(w.phase), uint64(w.version)} })
	}
	sortFew(s.sea[:], func(c *command) [2]uint64 { return [2]uint64{uint64(c.op), uint64(c.version)} })
	if !w.VersionFence { // whose counts are no names
		s.renameTokens()
	}
}

// renameLives leaves of all lives only whether they are the value's: one that has
// ended does not come back.
func (s *state) renameLives() {
	life := s.value.life
	rename := func(saw *uint8) {
		switch *saw {
		case 0:
		case life:
			*saw = 1
		default:
			*saw = 2
		}
	}
	for i := range s.processes {
		rename(&s.processes[i].flight.saw)
	}
	for i := range s.sea {
		rename(&s.sea[i].saw)
	}
	rename(&s.value.life)
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
	rename(&s.control.token)
	for i := range s.processes {
		rename(&s.processes[i].flight.token)
		rename(&s.processes[i].flight.previous)
	}
	for i := range s.sea {
		rename(&s.sea[i].token)
		rename(&s.sea[i].previous)
	}
}

// key orders processes, by all but the names of their tokens.
func (p *process) key(s *state) [2]uint64 {
	f := &p.flight
	relation := func(token uint8) uint8 {
		switch {
		case token == 0:
			return 0
		case s.control.kind == lease && s.control.token == token:
			return 1
		}
		return 2
	}
	return [2]uint64{
		fields(bit(p.dead), uint8(f.phase), uint8(f.status), relation(f.token), relation(f.previous),
			f.saw, f.mark, f.version, f.began, f.loads, bit(f.uncached)),
		p.callers[0].key()<<32 | p.callers[1].key(),
	}
}

func (c *caller) key() uint64 {
	return fields(c.calls, uint8(c.phase), c.floor, c.turns, uint8(c.entitled), bit(c.blind))
}

// fields puts small numbers side by side.
func fields(of ...uint8) (key uint64) {
	for _, f := range of {
		key = key<<4 | uint64(f)
	}
	return key
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// sortFew sorts by falling keys; there are four of anything at most.
func sortFew[T any](of []T, key func(*T) [2]uint64) {
	for i := 1; i < len(of); i++ {
		for j := i; j > 0; j-- {
			a, b := key(&of[j-1]), key(&of[j])
			if a[0] > b[0] || a[0] == b[0] && a[1] >= b[1] {
				break
			}
			of[j-1], of[j] = of[j], of[j-1]
		}
	}
}
