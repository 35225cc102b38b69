package fleet

import (
	"cmp"
	"slices"
	"sort"
)

// Spans are times, of which it can be asked whether one of them touches another
// time. They are prepared by sort.
type spans struct {
	list   []span    // by begin
	latest []instant // the latest end of those up to an index
}

func (s *spans) add(x span) { s.list = append(s.list, x) }

func (s *spans) sort() {
	slices.SortFunc(s.list, func(a, b span) int { return cmp.Compare(a.begin, b.begin) })
	s.latest = make([]instant, len(s.list))
	for i, x := range s.list {
		s.latest[i] = x.end
		if i > 0 {
			s.latest[i] = max(x.end, s.latest[i-1])
		}
	}
}

// touch reports whether one of the spans has a moment in common with x.
func (s *spans) touch(x span) bool {
	if s == nil {
		return false
	}
	after := sort.Search(len(s.list), func(i int) bool { return s.list[i].begin > x.end })
	return after > 0 && s.latest[after-1] >= x.begin
}

// A spanIndex keeps spans apart by what they belong to.
type spanIndex[K comparable] map[K]*spans

func (m spanIndex[K]) add(k K, x span) {
	if m[k] == nil {
		m[k] = new(spans)
	}
	m[k].add(x)
}

func (m spanIndex[K]) sort() {
	for _, s := range m {
		s.sort()
	}
}
