package model

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// A Report says what an exploration has found.
type Report struct {
	States, Moves int
	Breach        Breach
	Trace         []string // a shortest way to the breach, one step a line
}

func (r Report) String() string {
	head := fmt.Sprintf("%d states, %d moves: %v", r.States, r.Moves, r.Breach)
	return strings.Join(append([]string{head}, r.Trace...), "\n")
}

// Explore goes through all that can happen, in order of the number of steps, and
// stops at the first breach. In the end it checks that no caller waits for ever.
func Explore(p Protocol, s Setup) Report {
	return newExplorer(&turn{world: newWorld(p, s)}).explore()
}

// A game is what can happen in a world whose states are of a type.
type game[S comparable] interface {
	initial() *S
	next(now *S) []move[S] // it holds until the next call
	canonical(*S)          // replaces a state by the one that stands for all its equals
	check(*S) Breach
	running(*S) bool // whether a call has still to return
}

// An explorer knows of each state, except of those on its frontier, no more than a hash of 64 bits:
// that two of ten million share one has a probability of one in 400,000.
type explorer[S comparable] struct {
	game[S]
	seed    maphash.Seed
	seen    map[uint64]uint32 // numbers of the states
	parents []uint32          // from which each was reached first
	over    []bool            // nothing is under way
	edges   [][2]uint32       // from, to
}

func newExplorer[S comparable](g game[S]) *explorer[S] {
	return &explorer[S]{game: g, seen: make(map[uint64]uint32), seed: maphash.MakeSeed()}
}

func (e *explorer[S]) explore() Report {
	start := *e.initial()
	e.canonical(&start)
	e.visit(&start, 0)
	frontier := []S{start}
	for first := uint32(0); len(frontier) > 0; {
		var next []S
		for i := range frontier {
			number := first + uint32(i)
			moves := e.next(&frontier[i])
			for j := range moves {
				s := &moves[j].next
				e.canonical(s)
				to, isNew := e.visit(s, number)
				e.edges = append(e.edges, [2]uint32{number, to})
				if !isNew {
					continue
				}
				if b := e.check(s); b != None {
					return e.report(b, to)
				}
				next = append(next, *s)
			}
		}
		first += uint32(len(frontier))
		frontier = next
	}
	if stuck := endless(e.over, e.edges); stuck >= 0 {
		return e.report(EndlessWait, uint32(stuck))
	}
	return Report{States: len(e.parents), Moves: len(e.edges)}
}

// visit returns the number of a state, and whether it is met for the first time.
func (e *explorer[S]) visit(s *S, parent uint32) (number uint32, isNew bool) {
	h := maphash.Comparable(e.seed, *s)
	if number, known := e.seen[h]; known {
		return number, false
	}
	number = uint32(len(e.parents))
	e.seen[h] = number
	e.parents = append(e.parents, parent)
	e.over = append(e.over, !e.running(s))
	return number, true
}

// report describes the path to a state. It follows the path again from the beginning, since
// the states on it are no longer known, and so that every actor keeps its number.
func (e *explorer[S]) report(b Breach, number uint32) Report {
	r := Report{States: len(e.parents), Moves: len(e.edges), Breach: b}
	var way []uint32
	for n := number; n != 0; n = e.parents[n] {
		way = append(way, n)
	}
	now := *e.initial()
	r.Trace = append(r.Trace, fmt.Sprintf("    %-61s %v", "in the beginning", &now))
	for i, n := range slices.Backward(way) {
		at := now
		for _, m := range e.next(&at) {
			s := m.next
			e.canonical(&s)
			if e.seen[maphash.Comparable(e.seed, s)] == n {
				now = m.next
				r.Trace = append(r.Trace, fmt.Sprintf("%3d %-61v %v", len(way)-i, m.step, &now))
				break
			}
		}
	}
	return r
}

// String says what the source and Redis hold.
func (s *state) String() string {
	text := fmt.Sprintf("source v%d, acknowledged v%d, K %v, C %v", s.source, s.acked, s.values[0], s.control[0])
	if s.values[1].life != 0 || s.control[1].kind != free {
		text += fmt.Sprintf(", K' %v, C' %v", s.values[1], s.control[1])
	}
	return text
}

func (v value) String() string {
	if v.life == 0 {
		return "-"
	}
	return fmt.Sprintf("v%d", v.version)
}

func (c control) String() string {
	switch c.kind {
	case lease:
		return fmt.Sprintf("lease %d", c.token)
	case mark:
		return fmt.Sprintf("mark v%d", c.version)
	case count:
		return fmt.Sprintf("count %d", c.version)
	}
	return "-"
}
