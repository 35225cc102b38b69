package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	before   = 30 * time.Millisecond // how far back a trace goes
	maxLines = 60
)

// trace tells of a violation: the events that show it, marked, among all that was
// written, loaded or done to the fleet around them. Calls that only read are left out.
func (h *history) trace(v violation) string {
	key, around := noKey, v.by[0].span
	for _, e := range v.by {
		key = max(key, e.key)
		around.begin, around.end = min(around.begin, e.begin), max(around.end, e.end)
		if e.kind == load {
			around.begin = min(around.begin, e.asked)
		}
	}
	around.begin = around.begin.add(-before)
	events := slices.Clone(v.by)
	for _, e := range h.events {
		near := e.begin <= around.end && e.end >= around.begin
		if changes := e.kind != read || e.op == refresh || e.op == touch; changes && near && (e.key == key || e.key == noKey) && !slices.Contains(v.by, e) {
			events = append(events, e)
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.begin, b.begin) })
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n", v.says)
	for i, e := range events {
		mark := " "
		if slices.Contains(v.by, e) {
			mark = ">"
		} else if len(events)-i > maxLines {
			continue // the end tells most
		}
		fmt.Fprintf(&b, "  %s %s\n", mark, h.line(e))
	}
	return b.String()
}
