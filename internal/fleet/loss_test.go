package fleet

import "slices"

// A loss is that of a master whose place a replica took that may not have had its last writes,
// as Redis replicates asynchronously, or of one that answers on while a replica has its place. It
// excuses, of the reads that ended after it, those that saw what had been there before such a
// write; and of loads, that a lease was forgotten.
type loss struct {
	keys       []int
	replicated instant // the replica had all that was acknowledged until then
	lost       instant
	over       instant // the old master is dead, or none any more
	durable    bool    // writes waited for a replica, which no loss excuses
}

// excuses reports whether a read need not show a write.
func (l loss) excuses(r, w event) bool {
	waited := l.durable && w.op != refresh // what a Refresh stores is a load, which does not wait
	return !waited && slices.Contains(l.keys, r.key) && r.end >= l.lost &&
		w.end > l.replicated && w.begin <= l.over
}

// isForgotten reports whether a read is stale by nothing but writes that were lost. A Refresh asks
// the source, and has no such excuse.
func (h *history) isForgotten(r event, written *acks) bool {
	if r.op == refresh || written == nil {
		return false
	}
	floor := 0
	for _, w := range written.byEnd {
		if w.end >= r.begin {
			break
		}
		if !slices.ContainsFunc(h.losses, func(l loss) bool { return l.excuses(r, w) }) {
			floor = max(floor, w.version)
		}
	}
	if r.outcome == absent {
		return h.wasAbsent(r.key, floor, r.end)
	}
	return r.version >= floor
}

// addLosses adds to the reasons why leases end.
func (h *history) addLosses(r *reasons) {
	for _, l := range h.losses {
		for _, key := range l.keys {
			r.ofKey.add(key, span{l.replicated, l.over})
		}
	}
}
