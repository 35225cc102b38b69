package collection

import (
	"slices"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/store"
)

func (s *Set[K, E]) change(op cache.Op, command string, key K, elems []E) operation[int] {
	if len(elems) == 0 {
		return operation[int]{core: s.core}
	}
	r, err := s.write(op, key)
	if err == nil {
		r.Command(command, 0, 1)
		err = s.append(op, r, elems...)
	}
	return operation[int]{core: s.core, op: op, request: r, err: err, take: answer(s.core, op, number)}
}

func (s *Set[K, E]) has(key K, e E) operation[bool] {
	const op = "Has"
	r, err := s.read(op, "sismember", key)
	if err == nil {
		err = s.append(op, r, e)
	}
	return operation[bool]{core: s.core, op: op, request: r, err: err, take: answer(s.core, op, truth)}
}

func (s *Set[K, E]) hasMany(key K, elems []E) operation[[]bool] {
	const op = "HasMany"
	if len(elems) == 0 {
		return operation[[]bool]{core: s.core}
	}
	r, err := s.read(op, "smismember", key)
	if err == nil {
		err = s.append(op, r, elems...)
	}
	take := func(parts [][]byte) ([]bool, error) {
		if len(parts) != len(elems) {
			return nil, errAnswer
		}
		has := make([]bool, len(parts))
		for i := range parts {
			has[i] = string(parts[i]) == "1"
		}
		return has, nil
	}
	return operation[[]bool]{core: s.core, op: op, request: r, err: err, take: answer(s.core, op, take)}
}

func (s *Set[K, E]) members(key K) operation[[]E] {
	const op = "Members"
	r, err := s.read(op, "smembers", key)
	return operation[[]E]{core: s.core, op: op, request: r, err: err, take: s.several(op)}
}

func (s *Set[K, E]) pop(key K, n int) operation[[]E] {
	const op = "Pop"
	r, err := s.take(op, "spop", key, n)
	return operation[[]E]{core: s.core, op: op, request: r, err: err, take: s.several(op)}
}

func (s *Set[K, E]) random(key K, n int) operation[[]E] {
	const op = "Random"
	if n == 0 {
		return operation[[]E]{core: s.core}
	}
	r, err := s.read(op, "srandmember", key)
	if err == nil {
		if n < 0 {
			err = s.core.fail(op, r.Key(), nil, errCount)
		}
		r.Arg(n)
	}
	return operation[[]E]{core: s.core, op: op, request: r, err: err, take: s.several(op)}
}

func (s *Set[K, E]) length(key K) operation[int] {
	return s.count("scard", key)
}

func (s *Set[K, E]) combine(op cache.Op, command string, keys []K) operation[[]E] {
	if len(keys) == 0 {
		return operation[[]E]{core: s.core}
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		var err error
		if names[i], err = s.redisKey(op, key); err != nil {
			return impossible[[]E](err)
		}
	}
	if err := s.core.store.OneSlot(names); err != nil {
		return impossible[[]E](s.core.fail(op, names[0], ErrSlots, err))
	}
	r := s.core.request().Read(command, names...)
	return operation[[]E]{core: s.core, op: op, request: r, take: s.several(op)}
}

func (s *Set[K, E]) pageOf(key K, before paged[E]) operation[paged[E]] {
	r, err := s.read(opAll, "sscan", key)
	if err == nil {
		r.Arg(before.next).Arg("count").Arg(page)
	}
	take := func(r *store.Request) (p paged[E], _ error) {
		if len(r.Parts) == 0 || slices.ContainsFunc(r.Parts, func(part []byte) bool { return part == nil }) {
			return p, s.core.fail(opAll, r.Key(), cache.ErrRedis, errAnswer)
		}
		p.next = string(r.Parts[0])
		p.first = before.first + len(before.values)
		p.values, p.failed = s.parseAll(r.Parts[1:], 0)
		return p, nil
	}
	return operation[paged[E]]{core: s.core, op: opAll, request: r, err: err, take: take}
}
