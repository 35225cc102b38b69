package fleet

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// The histories of these tests are of two keys. The register of the first held
// version 0 from the start, 1 from 10 on, 2 (which does not exist) from 20 on, and 3
// from 30 on.
func handmade(events ...event) *history {
	h := &history{names: []string{"a", "b"}, events: events}
	h.states = [][]state{
		{{exists: true}, {true, 1, span{9, 10}}, {false, 1, span{19, 20}}, {true, 1, span{29, 30}}},
		{{exists: true}},
	}
	h.sort()
	return h
}

func wrote(version int, begin, end instant) event {
	return event{kind: write, op: del, outcome: done, process: 1, version: version, span: span{begin, end}}
}

func saw(version int, begin, end instant) event {
	return event{kind: read, op: getOrSet, outcome: found, process: 2, version: version, span: span{begin, end}}
}

func sawNone(begin, end instant) event {
	return event{kind: read, op: getOrSet, outcome: absent, process: 2, span: span{begin, end}}
}

// late is when a near cache has to know of a write by another process.
const late = instant(nearBound)

// near makes a read one that a near cache may have answered.
func near(r event) event { return r.with(func(e *event) { e.near = true }) }

func loaded(process int, asked, begin, end instant) event {
	return event{kind: load, op: loading, outcome: found, process: process, asked: asked, span: span{begin, end}}
}

func redisFailed(process int, at instant) event {
	return event{kind: failure, process: process, span: span{at, at}}
}

func breakerOf(process int, o op, begin, end instant) event {
	return event{kind: failure, op: o, key: noKey, process: process, span: span{begin, end}}
}

func refreshFailed(begin, end instant) event {
	return event{kind: read, op: refresh, outcome: redisFails, process: 3, span: span{begin, end}}
}

func undeliveredFrom(begin, end instant) event {
	return event{kind: undelivered, process: 3, span: span{begin, end}}
}

func sentAgainIn(begin, end instant) event {
	return event{kind: sentAgain, process: 3, span: span{begin, end}}
}

func happened(o op, key, process int, begin, end instant) event {
	return event{kind: fault, op: o, key: key, process: process, span: span{begin, end}}
}

func (e event) with(change func(*event)) event {
	change(&e)
	return e
}

func TestStaleReads(t *testing.T) {
	failed := func(e *event) { e.outcome = redisFails }
	asRefresh := func(e *event) { e.op = refresh }
	for _, tt := range []struct {
		name    string
		events  []event
		want    string // the beginning of the only violation
		excused int
	}{
		{"the version that was written", []event{wrote(1, 9, 12), saw(1, 13, 14)}, "", 0},
		{"an older one", []event{wrote(1, 9, 12), saw(0, 13, 14)}, "stale", 0},
		{"an older one, asked for before the write returned", []event{wrote(1, 9, 12), saw(0, 12, 14)}, "", 0},
		{"an older one, and the write failed", []event{wrote(1, 9, 12).with(failed), saw(0, 13, 14)}, "", 0},
		{"a newer one", []event{wrote(1, 9, 12), saw(3, 28, 31)}, "", 0},
		{"older than a write that returned before an older one", []event{wrote(1, 9, 35), wrote(3, 29, 32), saw(1, 40, 41)}, "stale", 0},
		{"another key's", []event{wrote(1, 9, 12), saw(0, 13, 14).with(func(e *event) { e.key = 1 })}, "", 0},
		{"one that did not exist yet", []event{saw(3, 20, 28)}, "impossible", 0},
		{"one that never was", []event{saw(4, 40, 41)}, "impossible", 0},
		{"one that was no value", []event{saw(2, 40, 41)}, "impossible", 0},
		{"no value, when there was none", []event{wrote(2, 19, 22), sawNone(23, 24)}, "", 0},
		{"no value, when that was yet to come", []event{wrote(1, 9, 12), sawNone(13, 18)}, "stale", 0},
		{"no value, when that came meanwhile", []event{wrote(1, 9, 12), sawNone(13, 19)}, "", 0},
		{"no value, when that was over", []event{wrote(3, 29, 32), sawNone(33, 34)}, "stale", 0},
		{"a refresh of what the register held", []event{saw(1, 11, 12).with(asRefresh)}, "", 0},
		{"a refresh of less", []event{saw(0, 11, 12).with(asRefresh)}, "stale", 0},
		{"a refresh that began before", []event{saw(0, 10, 12).with(asRefresh)}, "", 0},
		{"what a load without Redis may share", []event{wrote(1, 9, 12), loaded(2, 5, 8, 14), redisFailed(2, 6), saw(0, 13, 15)}, "", 1},
		{"the same, and Redis was not asked", []event{wrote(1, 9, 12), loaded(2, 5, 8, 14), breakerOf(2, breakerOpens, 1, 1), breakerOf(2, breakerCloses, 1, 6), saw(0, 13, 15)}, "", 1},
		{"an older one, by a near cache", []event{wrote(1, 9, 12), near(saw(0, 12+late, 15+late))}, "", 0},
		{"the same, too late", []event{wrote(1, 9, 12), near(saw(0, 13+late, 15+late))}, "stale", 0},
		{"the same, of an own write", []event{wrote(1, 9, 12), near(saw(0, 13, 15)).with(func(e *event) { e.process = 1 })}, "stale", 0},
		{"the same, and another has written since", []event{wrote(1, 9, 12), wrote(3, 29, 31).with(func(e *event) { e.process = 3 }),
			near(saw(1, 32, 35)).with(func(e *event) { e.process = 1 })}, "", 0},
		{"the same, before", []event{wrote(1, 9, 12), loaded(2, 5, 8, 14), breakerOf(2, breakerOpens, 1, 1), breakerOf(2, breakerCloses, 1, 4), saw(0, 13, 15)}, "stale", 0},
		{"the same, of another process", []event{wrote(1, 9, 12), loaded(3, 5, 8, 14), redisFailed(3, 6), saw(0, 13, 15)}, "stale", 0},
		{"the same, and Redis had failed before", []event{wrote(1, 9, 12), loaded(2, 5, 8, 14), redisFailed(2, 4), saw(0, 13, 15)}, "stale", 0},
		{"the same, and that load was over", []event{wrote(1, 9, 12), loaded(2, 5, 8, 12), redisFailed(2, 6), saw(0, 13, 15)}, "stale", 0},
		{"the same, by a refresh", []event{loaded(2, 5, 8, 14), redisFailed(2, 6), saw(0, 13, 15).with(asRefresh)}, "stale", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := handmade(tt.events...)
			violations, excused := h.staleReads()
			h.expect(t, violations, tt.want)
			if excused != tt.excused {
				t.Errorf("%d reads excused, want %d", excused, tt.excused)
			}
		})
	}
}

func TestOverlaps(t *testing.T) {
	a, b := loaded(1, 10, 20, 40), loaded(2, 15, 30, 50)
	for _, tt := range []struct {
		name   string
		events []event
		guilty bool
	}{
		{"no reason", []event{a, b}, true},
		{"one after the other", []event{a, loaded(2, 15, 41, 50)}, false},
		{"other keys", []event{a, b.with(func(e *event) { e.key = 1 })}, false},
		{"two of one process", []event{a, b.with(func(e *event) { e.process = 1 })}, true},
		{"a third, when only the first two are explained", []event{a, b, wrote(1, 12, 14), loaded(3, 31, 36, 37)}, true},
		{"a write", []event{a, b, wrote(1, 12, 14)}, false},
		{"a write that goes on", []event{a, b, wrote(1, 1, 99)}, false},
		{"a write before", []event{a, b, wrote(1, 1, 9)}, true},
		{"one that was given up before", []event{a, b, wrote(1, 1, 9).with(func(e *event) { e.outcome = left })}, false},
		{"a write after", []event{a, b, wrote(1, 31, 32)}, true},
		{"a write of another key", []event{a, b, wrote(1, 12, 14).with(func(e *event) { e.key = 1 })}, true},
		{"a refresh that Redis failed", []event{a, b, refreshFailed(1, 9)}, false},
		{"one of another key", []event{a, b, refreshFailed(1, 9).with(func(e *event) { e.key = 1 })}, true},
		{"one that Redis did not fail", []event{a, b, refreshFailed(1, 12).with(func(e *event) { e.outcome = sourceFails })}, true},
		{"one after", []event{a, b, refreshFailed(31, 32)}, true},
		{"a delete that was delivered", []event{a, b, undeliveredFrom(1, 12)}, false},
		{"one that was delivered before", []event{a, b, undeliveredFrom(1, 9)}, true},
		{"one of another key", []event{a, b, undeliveredFrom(1, 12).with(func(e *event) { e.key = 1 })}, true},
		{"a delete that was sent again", []event{a, b, sentAgainIn(9, 12)}, false},
		{"one of before", []event{a, b, sentAgainIn(1, 9)}, true},
		{"one of another key, that was sent again", []event{a, b, sentAgainIn(9, 12).with(func(e *event) { e.key = 1 })}, true},
		{"a lost lease", []event{a, b, happened(foreignRevoke, 0, 0, 25, 26)}, false},
		{"another key's", []event{a, b, happened(foreignRevoke, 1, 0, 25, 26)}, true},
		{"an eviction", []event{a, b, happened(evict, noKey, 0, 1, 99)}, false},
		{"a process that was stopped", []event{a, b, happened(pauseWorker, noKey, 1, 21, 29)}, false},
		{"one that was killed", []event{a, b, happened(killWorker, noKey, 1, 29, 40)}, false},
		{"one that did not get on", []event{a, b, happened(0, noKey, 2, 16, 30).with(func(e *event) { e.kind = stall })}, false},
		{"a server that did not answer", []event{a, b, happened(0, noKey, parent, 16, 30).with(func(e *event) { e.kind = stall })}, false},
		{"one that did not answer before", []event{a, b, happened(0, noKey, parent, 1, 9).with(func(e *event) { e.kind = stall })}, true},
		{"a third process that was stopped", []event{a, b, happened(pauseWorker, noKey, 3, 21, 29)}, true},
		{"connections were cut", []event{a, b, happened(killConnections, noKey, 0, 21, 29)}, true},
		{"scripts were forgotten", []event{a, b, happened(flushScripts, noKey, 0, 21, 29)}, true},
		{"nobody waits for the first", []event{a.with(func(e *event) { e.outcome = left }), b}, false},
		{"nobody waits for the second", []event{a, b.with(func(e *event) { e.outcome = left })}, true},
		{"a refresh that gave up", []event{a, b, loaded(3, 2, 3, 4), loaded(3, 2, 5, 6), loaded(3, 2, 7, 8), saw(0, 2, 11).with(func(e *event) { e.process = 3 })}, false},
		{"one that gave up before", []event{a, b, loaded(3, 2, 3, 4), loaded(3, 2, 5, 6), loaded(3, 2, 7, 8), saw(0, 2, 9).with(func(e *event) { e.process = 3 })}, true},
		{"one that did not give up", []event{a, b, loaded(3, 2, 3, 4), loaded(3, 2, 5, 6), saw(0, 2, 11).with(func(e *event) { e.process = 3 })}, true},
		{"one of a process that died", []event{a, b, loaded(3, 2, 3, 4), loaded(3, 2, 5, 6), loaded(3, 2, 7, 8)}, false},
		{"Redis failed", []event{a, b, redisFailed(2, 16)}, false},
		{"Redis was not asked", []event{a, b, breakerOf(2, breakerOpens, 1, 1), breakerOf(2, breakerCloses, 1, 16)}, false},
		{"Redis was not asked until a process died", []event{a, b, breakerOf(2, breakerOpens, 1, 1)}, false},
		{"Redis was not asked before", []event{a, b, breakerOf(2, breakerOpens, 1, 1), breakerOf(2, breakerCloses, 1, 9)}, true},
		{"Redis was not asked by another", []event{a, b, breakerOf(3, breakerOpens, 1, 1)}, true},
		{"Redis failed another", []event{a, b, redisFailed(3, 16)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := ""
			if tt.guilty {
				want = "two loads of a"
			}
			h := handmade(tt.events...)
			violations, _ := h.overlaps()
			h.expect(t, violations[:min(1, len(violations))], want)
		})
	}
}

func TestEarly(t *testing.T) {
	for _, tt := range []struct {
		next instant // load after one that ended at 40
		want string
	}{
		{138, ""}, {137, "a was loaded again"},
	} {
		h := handmade(loaded(1, 10, 20, 40), loaded(2, tt.next, tt.next, 200), loaded(2, 50, 50, 60).with(func(e *event) { e.key = 1 }))
		h.expect(t, h.early(100*time.Nanosecond, 2*time.Nanosecond), tt.want)
	}
}

// expect fails the test unless there is one violation that begins like want, or none
// if that is empty. The trace has to show all of it.
func (h *history) expect(t *testing.T, violations []violation, want string) {
	t.Helper()
	switch {
	case want == "" && len(violations) > 0:
		t.Errorf("innocent, and found guilty: %s", h.trace(violations[0]))
	case want == "":
	case len(violations) != 1 || !strings.HasPrefix(violations[0].says, want):
		t.Errorf("found %d violations, want one that begins with %q: %v", len(violations), want, violations)
	default:
		trace := h.trace(violations[0])
		for _, e := range violations[0].by {
			if !strings.Contains(trace, "> "+h.line(e)+"\n") {
				t.Errorf("the trace does not show %s:\n%s", h.line(e), trace)
			}
		}
	}
}

func TestSpans(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 2))
	random := func() span {
		begin := instant(d.IntN(100))
		return span{begin, begin + instant(d.IntN(20))}
	}
	for range 2000 {
		var s spans
		for range d.IntN(6) {
			s.add(random())
		}
		x, want := random(), false
		for _, y := range s.list {
			want = want || y.begin <= x.end && y.end >= x.begin
		}
		s.sort()
		if got := s.touch(x); got != want {
			t.Fatalf("%v touch %v: %t, want %t", s.list, x, got, want)
		}
	}
}
