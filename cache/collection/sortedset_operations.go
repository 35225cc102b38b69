package collection

import (
	"errors"
	"math"
	"strconv"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/store"
)

var (
	errNaN     = errors.New("the score is NaN, which has no place in an order")
	errNoLimit = errors.New("a removal takes no Skip and no Limit")
)

func (z *SortedSet[K, E]) put(op cache.Op, key K, when When, elems []codec.Scored[E]) operation[int] {
	words, err := when.words()
	if err != nil {
		return impossible[int](z.core.fail(op, z.RedisKey(key), nil, err))
	}
	if len(elems) == 0 {
		return operation[int]{core: z.core}
	}
	r, err := z.write(op, key)
	if err != nil {
		return impossible[int](err)
	}
	r.Command("zadd", len(words)+1, 2)
	for _, word := range words {
		r.Arg(word)
	}
	r.Arg("ch")
	var failed *ElementsError
	for i := range elems {
		err := errNaN
		if !math.IsNaN(elems[i].Score) {
			r.Arg(scoreText(elems[i].Score))
			err = z.appendOne(r, &elems[i].Elem)
		}
		if err != nil {
			failed = failed.add(i, err)
		}
	}
	if failed != nil {
		return impossible[int](z.core.fail(op, r.Key(), cache.ErrEncode, failed))
	}
	return operation[int]{core: z.core, op: op, request: r, take: answer(z.core, op, number)}
}

// scoreText is a score as Redis reads it: the shortest text that gives the same number.
func scoreText(score float64) string {
	return strconv.FormatFloat(score, 'g', -1, 64)
}

func (z *SortedSet[K, E]) incr(key K, e E, by float64) operation[float64] {
	const op = "Incr"
	r, err := z.write(op, key)
	if err == nil && math.IsNaN(by) {
		err = z.core.fail(op, r.Key(), cache.ErrEncode, errNaN)
	}
	if err == nil {
		r.Command("zincrby", 0, store.Whole).Arg(scoreText(by))
		err = z.append(op, r, e)
	}
	take := func(parts [][]byte) (float64, error) {
		f, err := foundScore(parts)
		return f.Value, err
	}
	return operation[float64]{core: z.core, op: op, request: r, err: err, take: answer(z.core, op, take)}
}

// foundScore reads an answer of a score or nothing.
func foundScore(parts [][]byte) (f Found[float64], err error) {
	if len(parts) != 1 {
		return f, errAnswer
	}
	if parts[0] == nil {
		return f, nil
	}
	if f.Value, err = strconv.ParseFloat(string(parts[0]), 64); err != nil {
		return f, errAnswer
	}
	f.OK = true
	return f, nil
}

// foundNumber reads an answer of a number or nothing.
func foundNumber(parts [][]byte) (f Found[int], err error) {
	f.Value, err = number(parts)
	f.OK = err == nil && parts[0] != nil
	return f, err
}

func (z *SortedSet[K, E]) remove(key K, elems []E) operation[int] {
	const op = "Remove"
	if len(elems) == 0 {
		return operation[int]{core: z.core}
	}
	r, err := z.write(op, key)
	if err == nil {
		r.Command("zrem", 0, 1)
		err = z.append(op, r, elems...)
	}
	return operation[int]{core: z.core, op: op, request: r, err: err, take: answer(z.core, op, number)}
}

func (z *SortedSet[K, E]) score(key K, e E) operation[Found[float64]] {
	const op = "Score"
	r, err := z.read(op, "zscore", key)
	if err == nil {
		err = z.append(op, r, e)
	}
	return operation[Found[float64]]{core: z.core, op: op, request: r, err: err, take: answer(z.core, op, foundScore)}
}

func (z *SortedSet[K, E]) rank(op cache.Op, command string, key K, e E) operation[Found[int]] {
	r, err := z.read(op, command, key)
	if err == nil {
		err = z.append(op, r, e)
	}
	return operation[Found[int]]{core: z.core, op: op, request: r, err: err, take: answer(z.core, op, foundNumber)}
}

func (z *SortedSet[K, E]) rang(op cache.Op, key K, first, last int, back bool) operation[[]codec.Scored[E]] {
	r, err := z.read(op, "zrange", key)
	if err == nil {
		r.Arg(first).Arg(last)
		if back {
			r.Arg("rev")
		}
		r.Arg("withscores")
	}
	return operation[[]codec.Scored[E]]{core: z.core, op: op, request: r, err: err, take: z.scored(op)}
}

func (z *SortedSet[K, E]) byScore(op cache.Op, key K, s Scores, back bool) operation[[]codec.Scored[E]] {
	r, err := z.read(op, "zrange", key)
	if err == nil && s.check() != nil {
		err = z.core.fail(op, r.Key(), nil, s.check())
	}
	if err == nil {
		first, last := s.bounds()
		if back {
			first, last = last, first
		}
		r.Arg(first).Arg(last).Arg("byscore")
		if back {
			r.Arg("rev")
		}
		if s.Skip > 0 || s.Limit > 0 {
			limit := s.Limit
			if limit == 0 {
				limit = -1
			}
			r.Arg("limit").Arg(s.Skip).Arg(limit)
		}
		r.Arg("withscores")
	}
	return operation[[]codec.Scored[E]]{core: z.core, op: op, request: r, err: err, take: z.scored(op)}
}

// bounds are the bounds as Redis reads them.
func (s Scores) bounds() (least, most string) {
	least, most = scoreText(s.Min), scoreText(s.Max)
	if s.AboveMin {
		least = "(" + least
	}
	if s.BelowMax {
		most = "(" + most
	}
	return least, most
}

func (z *SortedSet[K, E]) removeRange(key K, first, last int) operation[int] {
	const op = "RemoveRange"
	r, err := z.write(op, key)
	if err == nil {
		r.Command("zremrangebyrank", 0, store.Whole).Arg(first).Arg(last)
	}
	return operation[int]{core: z.core, op: op, request: r, err: err, take: answer(z.core, op, number)}
}

func (z *SortedSet[K, E]) removeByScore(key K, s Scores) operation[int] {
	const op = "RemoveByScore"
	r, err := z.write(op, key)
	if err != nil {
		return impossible[int](err)
	}
	err = s.check()
	if err == nil && (s.Skip != 0 || s.Limit != 0) {
		err = errNoLimit
	}
	if err != nil {
		return impossible[int](z.core.fail(op, r.Key(), nil, err))
	}
	least, most := s.bounds()
	r.Command("zremrangebyscore", 0, store.Whole).Arg(least).Arg(most)
	return operation[int]{core: z.core, op: op, request: r, take: answer(z.core, op, number)}
}

func (z *SortedSet[K, E]) pop(op cache.Op, command string, key K, n int) operation[[]codec.Scored[E]] {
	r, err := z.take(op, command, key, n)
	return operation[[]codec.Scored[E]]{core: z.core, op: op, request: r, err: err, take: z.scored(op)}
}

func (z *SortedSet[K, E]) length(key K) operation[int] {
	return z.count("zcard", key)
}

func (z *SortedSet[K, E]) pageOf(key K, first int) operation[paged[codec.Scored[E]]] {
	r, err := z.read(opAll, "zrange", key)
	if err == nil {
		r.Arg(first).Arg(first + page - 1).Arg("withscores")
	}
	take := func(r *store.Request) (p paged[codec.Scored[E]], err error) {
		p.first = first
		if p.values, p.failed, err = z.parseScored(r.Parts); err != nil {
			return p, z.core.fail(opAll, r.Key(), cache.ErrRedis, err)
		}
		return p, nil
	}
	return operation[paged[codec.Scored[E]]]{core: z.core, op: opAll, request: r, err: err, take: take}
}

// scored decodes an answer of elements and scores in turn.
func (z *SortedSet[K, E]) scored(op cache.Op) func(r *store.Request) ([]codec.Scored[E], error) {
	return func(r *store.Request) ([]codec.Scored[E], error) {
		if len(r.Parts) == 1 && r.Parts[0] == nil {
			return nil, nil
		}
		elems, failed, err := z.parseScored(r.Parts)
		if err != nil {
			return nil, z.core.fail(op, r.Key(), cache.ErrRedis, err)
		}
		return elems, z.core.broken(op, r.Key(), failed)
	}
}

func (z *SortedSet[K, E]) parseScored(parts [][]byte) (elems []codec.Scored[E], failed *ElementsError, err error) {
	if len(parts)%2 != 0 {
		return nil, nil, errAnswer
	}
	if len(parts) == 0 {
		return nil, nil, nil
	}
	elems = make([]codec.Scored[E], len(parts)/2)
	for i := range elems {
		if err := z.parse(parts[2*i], &elems[i].Elem); err != nil {
			failed = failed.add(i, err)
		}
		if elems[i].Score, err = strconv.ParseFloat(string(parts[2*i+1]), 64); err != nil {
			return nil, nil, errAnswer
		}
	}
	return elems, failed, nil
}
