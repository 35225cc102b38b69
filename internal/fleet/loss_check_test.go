package fleet

import "testing"

// A loss excuses what saw less, and nothing else.
func TestLosses(t *testing.T) {
	lost := loss{keys: []int{0}, replicated: 11, lost: 20, over: 25}
	durable := lost
	durable.durable = true
	replaced := loss{keys: []int{0}, lost: 11, replicated: 15, over: 25} // while it lived
	for _, tt := range []struct {
		name    string
		loss    loss
		events  []event
		guilty  bool
		excused int
	}{
		{"a write that was lost", lost, []event{wrote(1, 9, 12), saw(0, 26, 27)}, false, 1},
		{"one that was replicated", lost, []event{wrote(1, 9, 11), saw(0, 26, 27)}, true, 0},
		{"a read from before", lost, []event{wrote(1, 9, 12), saw(0, 13, 19)}, true, 0},
		{"a write after it", lost, []event{wrote(1, 26, 27), saw(0, 28, 29)}, true, 0},
		{"one to the old master", lost, []event{wrote(1, 22, 24), saw(0, 28, 29)}, false, 1},
		{"another key's loss", loss{keys: []int{1}, replicated: 11, lost: 20, over: 25}, []event{wrote(1, 9, 12), saw(0, 26, 27)}, true, 0},
		{"less than what was not lost", lost, []event{wrote(1, 9, 11), wrote(3, 29, 32), saw(0, 40, 41)}, true, 0},
		{"a refresh", lost, []event{wrote(1, 9, 12), saw(0, 26, 27).with(func(e *event) { e.op = refresh })}, true, 0},
		{"none, when a value was written", lost, []event{wrote(1, 9, 12), sawNone(13, 18)}, true, 0},
		{"one that was replicated before the old master was alone", replaced, []event{wrote(1, 12, 14), saw(0, 26, 27)}, true, 0},
		{"one that the old master had alone", replaced, []event{wrote(1, 12, 16), saw(0, 17, 18)}, false, 1},
		{"one to the new master, and a read of the old one", replaced, []event{wrote(1, 18, 20), saw(0, 21, 22)}, false, 1},
		{"one after the old master was made a replica", replaced, []event{wrote(1, 26, 27), saw(0, 28, 29)}, true, 0},
		{"a write that waited for a replica", durable, []event{wrote(1, 9, 12), saw(0, 26, 27)}, true, 0},
		{"a refresh that need not wait", durable, []event{wrote(1, 9, 12).with(func(e *event) { e.op = refresh }), saw(0, 26, 27)}, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := handmade(tt.events...)
			h.losses = []loss{tt.loss}
			violations, excused := h.staleReads()
			if guilty := len(violations) > 0; guilty != tt.guilty || excused != tt.excused {
				t.Errorf("guilty: %t, %d excused, want %t and %d", guilty, excused, tt.guilty, tt.excused)
			}
		})
	}
	a, b := loaded(1, 10, 20, 40), loaded(2, 15, 30, 50)
	for name, l := range map[string]loss{"lost": {keys: []int{0}, replicated: 18, over: 19}, "": {keys: []int{1}, replicated: 18, over: 19}} {
		h := handmade(a, b)
		h.losses = []loss{l}
		if violations, _ := h.overlaps(); (len(violations) > 0) != (name == "") {
			t.Errorf("a lease that was lost: %q, and %d violations", name, len(violations))
		}
	}
}
