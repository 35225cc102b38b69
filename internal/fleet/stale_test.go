package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// A violation is a promise that was not kept.
type violation struct {
	says string
	by   []event // the events that show it
}

// staleReads returns the reads that G2 forbids:
//
//   - one that began after a write was acknowledged, and saw an older version. What
//     rests in Redis when all is over counts as a read. Where a near cache may have answered it is
//     one that began a second later, but for what its own process has written;
//   - a Refresh that saw an older version than the register held when it began;
//   - one that saw what the register never held, or held only later.
//
// excused counts what would be the first, but is documented as a limit: when Redis
// fails, callers may share a load of their process that began before they came.
// It is one of the law's two exceptions, and holds for a read only if its own process had
// such a load of the key, and noted the failure, or that it did not ask Redis. The other
// one is a [loss].
//
// It takes n log n steps for n events.
func (h *history) staleReads() (violations []violation, excused int) {
	written := h.acknowledged()
	through := h.loadsWithoutRedis()
	for _, r := range h.events {
		if r.kind != read || r.outcome != found && r.outcome != absent {
			continue
		}
		states := h.states[r.key]
		w, isWritten := written[r.key].before(r.begin)
		if r.near {
			w, isWritten = written[r.key].beforeNear(r)
		}
		floor := 0
		if isWritten {
			floor = w.version
		}
		if v := h.heldAt(r.key, r.begin); r.op == refresh && v > floor {
			w, isWritten, floor = event{}, false, v
		}
		says := ""
		switch {
		case r.outcome == absent && !h.wasAbsent(r.key, floor, r.end):
			says = fmt.Sprintf("stale: it says that %s does not exist, and from version %d on it did", h.names[r.key], floor)
		case r.outcome == absent:
			continue
		case r.version < 0 || r.version >= len(states) || states[r.version].changed.begin > r.end || !states[r.version].exists:
			says = fmt.Sprintf("impossible: version %d of %s was no value by then", r.version, h.names[r.key])
		case r.version < floor:
			says = fmt.Sprintf("stale: version %d of %s, when %d had been written", r.version, h.names[r.key], floor)
		default:
			continue
		}
		if r.op != refresh && through[by{r.process, r.key}].touch(r.span) ||
			strings.HasPrefix(says, "stale") && h.isForgotten(r, written[r.key]) {
			excused++
			continue
		}
		v := violation{says, []event{r}}
		if isWritten {
			v.by = []event{w, r}
		}
		violations = append(violations, v)
	}
	return violations, excused
}

// acks are the acknowledged writes of a key by their end, and the newest version
// among those up to each.
type acks struct {
	byEnd  []event
	newest []event
}

func (h *history) acknowledged() map[int]*acks {
	written := map[int]*acks{}
	for _, e := range h.events {
		if e.kind == write && e.outcome == done {
			if written[e.key] == nil {
				written[e.key] = new(acks)
			}
			written[e.key].byEnd = append(written[e.key].byEnd, e)
		}
	}
	for _, a := range written {
		slices.SortFunc(a.byEnd, func(x, y event) int { return cmp.Compare(x.end, y.end) })
		a.newest = slices.Clone(a.byEnd)
		for i := 1; i < len(a.newest); i++ {
			if a.newest[i-1].version > a.newest[i].version {
				a.newest[i] = a.newest[i-1]
			}
		}
	}
	return written
}

// before returns the newest write that was acknowledged before an instant.
func (a *acks) before(i instant) (w event, ok bool) {
	if a == nil {
		return event{}, false
	}
	n := sort.Search(len(a.byEnd), func(j int) bool { return a.byEnd[j].end >= i })
	if n == 0 {
		return event{}, false
	}
	return a.newest[n-1], true
}

// nearBound is for how long a near cache may answer by what another process has overwritten.
const nearBound = time.Second

// beforeNear returns the newest write that a near cache has to know of which may answer a read:
// what its own process has written it knows at once.
func (a *acks) beforeNear(r event) (w event, ok bool) {
	if a == nil {
		return event{}, false
	}
	w, ok = a.before(r.begin.add(-nearBound))
	late := sort.Search(len(a.byEnd), func(j int) bool { return a.byEnd[j].end >= r.begin.add(-nearBound) })
	for _, own := range a.byEnd[late:] {
		if own.end >= r.begin {
			break
		}
		if own.process == r.process && (!ok || own.version > w.version) {
			w, ok = own, true
		}
	}
	return w, ok
}

// heldAt returns the newest version that the register surely held at an instant.
func (h *history) heldAt(key int, i instant) int {
	states := h.states[key]
	return max(0, sort.Search(len(states), func(v int) bool { return states[v].changed.end >= i })-1)
}

// wasAbsent reports whether a version from floor on did not exist, as could be
// known at an instant.
func (h *history) wasAbsent(key, floor int, by instant) bool {
	states := h.states[key]
	for v := floor; v < len(states) && states[v].changed.begin <= by; v++ {
		if !states[v].exists {
			return true
		}
	}
	return false
}

// by is a key, as one process sees it.
type by struct{ process, key int }

// loadsWithoutRedis returns the times of loads whose process noted, since the call
// that brought the loader, that Redis failed or was not asked.
func (h *history) loadsWithoutRedis() spanIndex[by] {
	failures := spanIndex[by]{}
	for _, e := range h.of(failure) {
		failures.add(by{e.process, e.key}, e.span)
	}
	failures.sort()
	through, unasked := spanIndex[by]{}, h.unasked()
	for _, l := range h.of(load) {
		at, since := by{l.process, l.key}, span{l.asked, l.end}
		if failures[at].touch(since) || unasked[l.process].touch(since) {
			through.add(at, l.span)
		}
	}
	through.sort()
	return through
}
