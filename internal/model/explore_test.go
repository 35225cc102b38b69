package model

import (
	"strings"
	"testing"
)

// A breach is reported step by step, by a shortest path.
func TestTrace(t *testing.T) {
	const want = `
45 states, 55 moves: Redis holds what an acknowledged write has replaced
    in the beginning                                              source v1, acknowledged v1, K -, C mark v1
  1 process 1, caller 1: calls Refresh, sends acquire             source v1, acknowledged v1, K -, C mark v1
  2 process 1: its acquire is granted the lease                   source v1, acknowledged v1, K -, C lease 1
  3 process 1: has the lease, begins to load                      source v1, acknowledged v1, K -, C lease 1
  4 process 1: its load fails                                     source v1, acknowledged v1, K -, C lease 1
  5 writer 1: changes the source to v2, sends its Delete          source v2, acknowledged v1, K -, C lease 1
  6 writer 1: its Delete is executed, v2 is acknowledged          source v2, acknowledged v2, K -, C -
  7 process 1: its release is executed                            source v2, acknowledged v2, K -, C mark v1`
	r := Explore(Protocol{BlindRelease: true}, Setup{
		Refreshers: 1, Mark: true, Missing: 1 << 1, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Failures: 1},
	})
	if got := r.String(); got != strings.TrimSpace(want) {
		t.Errorf("got\n%s", got)
	}
}

// That equal states are taken for one neither loses a state nor keeps two of a kind:
// going through all of them, each by itself, meets the same ones.
func TestSymmetry(t *testing.T) {
	for _, s := range []Setup{
		{Readers: []int{1, 1}, Calls: 1, Writes: []Write{Delete, Delete}},
		{Readers: []int{2}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete}},
		{Readers: []int{1, 1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Losses: 1, Kills: 2, Late: 1}},
	} {
		e := newExplorer(&turn{world: newWorld(Protocol{}, s)})
		kinds := map[state]bool{}
		all := map[state]bool{*e.initial(): true}
		for todo := []state{*e.initial()}; len(todo) > 0; {
			now := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			kind := now
			e.canonical(&kind)
			kinds[kind] = true
			for _, m := range e.next(&now) {
				if !all[m.next] {
					all[m.next] = true
					todo = append(todo, m.next)
				}
			}
		}
		r := e.explore()
		t.Logf("%d of %d states", r.States, len(all))
		if r.Breach != None || r.States != len(kinds) || r.States == len(all) {
			t.Errorf("%v; one by one: %d states of %d kinds", r, len(all), len(kinds))
		}
	}
}

func TestSetupThatDoesNotFit(t *testing.T) {
	for _, s := range []Setup{
		{Readers: []int{1, 1, 1}, Refreshers: 2},
		{Readers: []int{3}},
		{Readers: []int{1}, Writes: []Write{Delete, Delete, Delete, Delete}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was taken", s)
				}
			}()
			Explore(Protocol{}, s)
		}()
	}
}
