package model

// A Breach is a promise that a state breaks.
type Breach uint8

const (
	None        Breach = iota
	StaleReturn        // a call returns a version that was older than an acknowledged write when it began
	LateFill           // a load is stored that began before a write which is acknowledged, whatever it has read
	StaleAtRest        // Redis holds a version that is older than an acknowledged write
	SecondLoad         // a miss is loaded twice
	EndlessWait        // some call can never return, whatever happens
)

func (b Breach) String() string {
	return [...]string{
		"no breach",
		"a call returns what an earlier write has replaced",
		"a load is stored that began before an acknowledged write",
		"Redis holds what an acknowledged write has replaced",
		"a miss is loaded twice",
		"somebody waits for ever",
	}[b]
}

// fail notes a breach that shows in a step, not in the state which it leads to.
func (s *state) fail(b Breach) {
	if s.breach == None {
		s.breach = b
	}
}

// check returns what is wrong with a state.
func (*world) check(s *state) Breach {
	if s.breach != None {
		return s.breach
	}
	for i, v := range s.values {
		c := s.control[i]
		if v.life != 0 && v.version < s.acked || c.carries() && c.version < s.acked {
			return StaleAtRest
		}
	}
	return None
}

// revoked returns the newest version whose write has ended the permission of all loads
// that had begun. A Delete of two commands does that with the first.
func (t *turn) revoked(s *state) uint8 {
	version := s.acked
	if t.Delete == ControlFirst {
		for _, w := range s.writers {
			if w.phase == halfDone {
				version = max(version, w.version)
			}
		}
	}
	return version
}

// begins notes that a load begins, where it should be the only one.
func (t *turn) begins(s *state) {
	if !t.OneLoad {
		return
	}
	s.loads++
	if s.loads > 1 {
		s.fail(SecondLoad)
	}
}

// endless returns the first state from which none can be reached in which all calls
// have returned, or -1. Edges are pairs of states, from and to; states have their
// numbers in the order of their distance from the beginning.
func endless(over []bool, edges [][2]uint32) int {
	first := make([]uint32, len(over)+1) // where the edges to a state begin in from
	for _, e := range edges {
		first[e[1]+1]++
	}
	for i := range over {
		first[i+1] += first[i]
	}
	from := make([]uint32, len(edges))
	next := append([]uint32(nil), first...)
	for _, e := range edges {
		from[next[e[1]]] = e[0]
		next[e[1]]++
	}
	hopeful := make([]bool, len(over))
	var queue []uint32
	for i, o := range over {
		if o {
			hopeful[i] = true
			queue = append(queue, uint32(i))
		}
	}
	for len(queue) > 0 {
		to := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, f := range from[first[to]:first[to+1]] {
			if !hopeful[f] {
				hopeful[f] = true
				queue = append(queue, f)
			}
		}
	}
	for i, h := range hopeful {
		if !h {
			return i
		}
	}
	return -1
}
