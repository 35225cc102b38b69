package collection

import "slices"

var (
	setAdd       = command{op: "Add", name: "sadd", group: 1}
	setRemove    = command{op: "Remove", name: "srem", group: 1}
	setHas       = command{op: "Has", name: "sismember"}
	setHasMany   = command{op: "HasMany", name: "smismember"}
	setMembers   = command{op: "Members", name: "smembers"}
	setPop       = command{op: "Pop", name: "spop"}
	setRandom    = command{op: "Random", name: "srandmember"}
	setLen       = command{op: "Len", name: "scard"}
	setUnion     = command{op: "Union", name: "sunion"}
	setIntersect = command{op: "Intersect", name: "sinter"}
	setDiff      = command{op: "Diff", name: "sdiff"}
	setAll       = command{op: opAll, name: "sscan"}
)

func (s *Set[K, E]) change(cmd command, key K, elems []E) operation[int] {
	if len(elems) == 0 {
		return empty[int](s.core, cmd)
	}
	return operation[int]{s.add(s.write(cmd, key), elems...), number}
}

func (s *Set[K, E]) has(key K, e E) operation[bool] {
	return operation[bool]{s.add(s.read(setHas, key), e), truth}
}

func (s *Set[K, E]) hasMany(key K, elems []E) operation[[]bool] {
	if len(elems) == 0 {
		return empty[[]bool](s.core, setHasMany)
	}
	decode := func(r *request) ([]bool, error) {
		if len(r.parts()) != len(elems) {
			return nil, r.wrongAnswer()
		}
		has := make([]bool, len(elems))
		for i, part := range r.parts() {
			has[i] = string(part) == "1"
		}
		return has, nil
	}
	return operation[[]bool]{s.add(s.read(setHasMany, key), elems...), decode}
}

func (s *Set[K, E]) members(key K) operation[[]E] {
	return operation[[]E]{s.read(setMembers, key), s.several}
}

func (s *Set[K, E]) random(key K, n int) operation[[]E] {
	if n == 0 {
		return empty[[]E](s.core, setRandom)
	}
	r := s.read(setRandom, key).arg(n)
	if n < 0 {
		r.fail(nil, errCount)
	}
	return operation[[]E]{r, s.several}
}

func (s *Set[K, E]) combine(cmd command, keys []K) operation[[]E] {
	if len(keys) == 0 {
		return empty[[]E](s.core, cmd)
	}
	r := s.core.request(cmd)
	names, err := s.redisKeys(cmd.op, keys)
	if err != nil {
		r.err = err
		return operation[[]E]{request: r}
	}
	r.redis.Read(cmd.name, names...)
	r.fail(ErrSlots, s.core.store.OneSlot(names))
	return operation[[]E]{r, s.several}
}

func (s *Set[K, E]) pageOf(key K, before paged[E]) operation[paged[E]] {
	decode := func(r *request) (p paged[E], _ error) {
		parts := r.parts()
		isNil := func(part []byte) bool { return part == nil }
		if len(parts) == 0 || slices.ContainsFunc(parts, isNil) {
			return p, r.wrongAnswer()
		}
		p.next = string(parts[0])
		p.first = before.first + len(before.values)
		p.values, p.failed = s.parseAll(parts[1:])
		return p, nil
	}
	return operation[paged[E]]{s.read(setAll, key).arg(before.next).arg("count").arg(page), decode}
}
