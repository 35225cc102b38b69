package fleet

import (
	"fmt"
	"slices"
	"time"
)

// overlaps returns the pairs of loads that G1 forbids: of one key, at one time, and
// without a reason. A reason is what may have ended the lease of one of the two, or
// made one go without:
//
//   - a write of the key, or the removal of its control key; a write that was not
//     acknowledged may be carried out after its call has returned;
//   - a write, or a Refresh, that Redis failed, until the delete is delivered that follows it: the
//     process loads the key without a lease meanwhile, and the delete ends that of another;
//   - a Refresh that loaded three times, each time overtaken by a write: it removes what
//     may be old, and the lease with it;
//   - a delete of the key that a process sent again: after a failover, or as a write that was not
//     answered might still be carried out;
//   - an eviction, whichever key it hit, and the [loss] of the key's master;
//   - that one of the two processes was killed, or did not get on for a third of a
//     lease: stopped, or without a processor;
//   - that a server did not answer for as long, which keeps leases from being renewed;
//   - that Redis failed one of the two calls, or its process did not ask it.
//
// It has to lie between the begin of the earlier of the two calls that brought the loaders and the
// begin of the later load: both leases were granted in that time. A load that nobody waits for any
// more is a reason by itself: its lease is given back at once, and its loader hears of it and
// returns a moment later. Connections that are cut and scripts that are forgotten are no reason.
// Where nothing of the kind happens the check is exact: any two loads that overlap are a violation.
func (h *history) overlaps() (violations []violation, explained int) {
	reasons := h.reasons()
	running := map[int][]event{} // by key
	for _, b := range h.events {
		if b.kind != load {
			continue
		}
		still := slices.DeleteFunc(running[b.key], func(a event) bool { return a.end < b.begin })
		for _, a := range still {
			if reasons.explain(a, b) {
				explained++
				continue
			}
			violations = append(violations, violation{fmt.Sprintf("two loads of %s at one time", h.names[b.key]), []event{a, b}})
		}
		running[b.key] = append(still, b)
	}
	return violations, explained
}

// reasons are why leases end, or are done without.
type reasons struct {
	everywhere spans
	ofKey      spanIndex[int]
	ofProcess  spanIndex[int]
	ofCall     spanIndex[by]
	unasked    spanIndex[int]
}

func (h *history) reasons() reasons {
	r := reasons{ofKey: spanIndex[int]{}, ofProcess: spanIndex[int]{}, ofCall: spanIndex[by]{}, unasked: h.unasked()}
	for _, e := range h.events {
		switch {
		case e.kind == write && e.outcome != done, e.op == refresh && e.outcome == redisFails:
			r.ofKey.add(e.key, span{e.begin, e.end.add(mayComeLate)})
		case e.kind == write, e.kind == undelivered, e.kind == sentAgain, e.op == foreignRevoke:
			r.ofKey.add(e.key, e.span)
		case e.op == evict, e.kind == stall && e.process == parent:
			r.everywhere.add(e.span)
		case e.kind == stall, e.op == killWorker, e.op == pauseWorker:
			r.ofProcess.add(e.process, e.span)
		case e.kind == failure:
			r.ofCall.add(by{e.process, e.key}, e.span)
		}
	}
	h.addRemovals(&r)
	h.addLosses(&r)
	r.everywhere.sort()
	r.ofKey.sort()
	r.ofProcess.sort()
	r.ofCall.sort()
	return r
}

// addRemovals adds the refreshes that gave up. One whose process died before it could
// tell of it may have done so at any time.
func (h *history) addRemovals(r *reasons) {
	type call struct {
		by
		begin instant
	}
	returned := map[call]instant{}
	for _, e := range h.of(read) {
		returned[call{by{e.process, e.key}, e.begin}] = e.end
	}
	loads := map[call]int{}
	for _, l := range h.of(load) {
		c := call{by{l.process, l.key}, l.asked}
		if loads[c]++; loads[c] == refreshLoads {
			end, told := returned[c]
			if !told {
				end = forever
			}
			r.ofKey.add(l.key, span{l.asked, end})
		}
	}
}

// mayComeLate is for how long a client may go on trying to send a command that its
// caller has given up, or whose process ends.
const mayComeLate = 2 * time.Second

// refreshLoads is how often one Refresh loads at most.
const refreshLoads = 3

func (r *reasons) explain(a, b event) bool {
	within := span{min(a.asked, b.asked), b.begin}
	return a.outcome == left || r.everywhere.touch(within) || r.ofKey[a.key].touch(within) ||
		r.ofProcess[a.process].touch(within) || r.ofProcess[b.process].touch(within) ||
		r.ofCall[by{a.process, a.key}].touch(within) || r.ofCall[by{b.process, b.key}].touch(within) ||
		r.unasked[a.process].touch(within) || r.unasked[b.process].touch(within)
}

// early returns the loads that began before what the load before them stored could
// have expired. It holds while nothing is written, nothing fails and TTLs are not
// shortened: then there is exactly one load a key and expiry. A load is stored after
// it has ended, so delays only lengthen the time to the next. grain is how
// exactly Redis keeps time.
func (h *history) early(ttl, grain time.Duration) (violations []violation) {
	last := map[int]event{}
	for _, b := range h.events {
		if b.kind != load {
			continue
		}
		if a, ok := last[b.key]; ok && b.begin < a.end.add(ttl-grain) {
			violations = append(violations, violation{fmt.Sprintf("%s was loaded again before it expired", h.names[b.key]), []event{a, b}})
		}
		last[b.key] = b
	}
	return violations
}
