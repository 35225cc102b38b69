package model

import (
	"fmt"
	"strings"
)

// A turn collects what can happen next in a state.
type turn struct {
	*world
	now   *state
	moves []move[state]
}

// A move is one thing that can happen.
type move[S comparable] struct {
	step
	next S
}

// A step is a move in words.
type step struct {
	who     actor
	does    string // with # for the version
	version uint8
}

type actor struct {
	kind   string // such as "process"; empty for the world at large
	number int
	caller int // of a process, 0 for its flight
}

// take adds a move and returns the state that it leads to, to be changed before the
// next is added.
func (t *turn) take(who actor, does string, version uint8) *state {
	t.moves = append(t.moves, move[state]{})
	m := &t.moves[len(t.moves)-1]
	m.step, m.next = step{who, does, version}, *t.now
	return &m.next
}

// next returns everything that can happen. It holds until the next turn.
func (t *turn) next(now *state) []move[state] {
	t.now, t.moves = now, t.moves[:0]
	for p := range t.processes() {
		if t.now.processes[p].dead {
			continue
		}
		for c := range t.now.processes[p].callers {
			t.call(p, c)
		}
		t.fly(p)
		t.failProcess(p)
	}
	for w := range t.Writes {
		t.write(w)
	}
	t.lose()
	t.arrive()
	return t.moves
}

func (s step) String() string {
	does := strings.ReplaceAll(s.does, "#", fmt.Sprintf("v%d", s.version))
	switch {
	case s.who.kind == "":
		return does
	case s.who.caller == 0:
		return fmt.Sprintf("%s %d: %s", s.who.kind, s.who.number, does)
	}
	return fmt.Sprintf("%s %d, caller %d: %s", s.who.kind, s.who.number, s.who.caller, does)
}

func (t *turn) processActor(p int) actor { return actor{kind: "process", number: p + 1} }

func (t *turn) callerActor(p, c int) actor {
	return actor{kind: "process", number: p + 1, caller: c + 1}
}

func (t *turn) writerActor(w int) actor { return actor{kind: "writer", number: w + 1} }
