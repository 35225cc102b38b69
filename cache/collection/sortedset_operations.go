package collection

import (
	"errors"
	"math"
	"strconv"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
)

var (
	sortedSetPut              = command{op: "Put", name: "zadd", group: 2}
	sortedSetPutIf            = command{op: "PutIf", name: "zadd", group: 2}
	sortedSetIncr             = command{op: "Incr", name: "zincrby"}
	sortedSetRemove           = command{op: "Remove", name: "zrem", group: 1}
	sortedSetScore            = command{op: "Score", name: "zscore"}
	sortedSetRank             = command{op: "Rank", name: "zrank"}
	sortedSetRankBack         = command{op: "RankBack", name: "zrevrank"}
	sortedSetRange            = command{op: "Range", name: "zrange"}
	sortedSetRangeBack        = command{op: "RangeBack", name: "zrange"}
	sortedSetRangeByScore     = command{op: "RangeByScore", name: "zrange"}
	sortedSetRangeByScoreBack = command{op: "RangeByScoreBack", name: "zrange"}
	sortedSetRemoveRange      = command{op: "RemoveRange", name: "zremrangebyrank"}
	sortedSetRemoveByScore    = command{op: "RemoveByScore", name: "zremrangebyscore"}
	sortedSetPopMin           = command{op: "PopMin", name: "zpopmin"}
	sortedSetPopMax           = command{op: "PopMax", name: "zpopmax"}
	sortedSetLen              = command{op: "Len", name: "zcard"}
	sortedSetAll              = command{op: opAll, name: "zrange"}
)

var (
	errNaN     = errors.New("the score is NaN, which has no place in an order")
	errNoLimit = errors.New("a removal takes no Skip and no Limit")
)

func (z *SortedSet[K, E]) put(
	cmd command, key K, when When, elems []codec.Scored[E],
) operation[int] {
	words, err := when.words()
	if err == nil && len(elems) == 0 {
		return empty[int](z.core, cmd)
	}
	r := z.beginWrite(cmd, key).add(cmd.name, len(words)+1, cmd.group)
	r.fail(nil, err)
	for _, word := range words {
		r.arg(word)
	}
	z.addScored(r.arg("ch"), elems)
	return operation[int]{r, number}
}

// addScored adds elements and their scores as arguments, as elements.add does.
func (z *SortedSet[K, E]) addScored(r *request, elems []codec.Scored[E]) {
	if r.err != nil {
		return
	}
	var failed *ElementsError
	for i := range elems {
		err := errNaN
		if !math.IsNaN(elems[i].Score) {
			r.arg(scoreText(elems[i].Score))
			err = z.addOne(r, &elems[i].Elem)
		}
		if err != nil {
			failed = failed.add(i, err)
		}
	}
	r.failElements(cache.ErrEncode, failed)
}

// scoreText is a score as Redis reads it: the shortest text of the same number.
func scoreText(score float64) string {
	return strconv.FormatFloat(score, 'g', -1, 64)
}

func (z *SortedSet[K, E]) incr(key K, e E, by float64) operation[float64] {
	r := z.write(sortedSetIncr, key).arg(scoreText(by))
	if math.IsNaN(by) {
		r.fail(cache.ErrEncode, errNaN)
	}
	decode := func(r *request) (float64, error) {
		f, err := foundScore(r)
		return f.Value, err
	}
	return operation[float64]{z.add(r, e), decode}
}

func (z *SortedSet[K, E]) remove(key K, elems []E) operation[int] {
	if len(elems) == 0 {
		return empty[int](z.core, sortedSetRemove)
	}
	return operation[int]{z.add(z.write(sortedSetRemove, key), elems...), number}
}

func (z *SortedSet[K, E]) score(key K, e E) operation[Found[float64]] {
	return operation[Found[float64]]{z.add(z.read(sortedSetScore, key), e), foundScore}
}

func (z *SortedSet[K, E]) rank(cmd command, key K, e E) operation[Found[int]] {
	return operation[Found[int]]{z.add(z.read(cmd, key), e), foundNumber}
}

func (z *SortedSet[K, E]) slice(
	cmd command, key K, first, last int, back bool,
) operation[[]codec.Scored[E]] {
	r := z.read(cmd, key).arg(first).arg(last)
	if back {
		r.arg("rev")
	}
	return operation[[]codec.Scored[E]]{r.arg("withscores"), z.scored}
}

func (z *SortedSet[K, E]) byScore(
	cmd command, key K, s Scores, back bool,
) operation[[]codec.Scored[E]] {
	r := z.read(cmd, key)
	r.fail(nil, s.check())
	first, last := s.bounds()
	if back {
		first, last = last, first
	}
	r.arg(first).arg(last).arg("byscore")
	if back {
		r.arg("rev")
	}
	if s.Skip > 0 || s.Limit > 0 {
		limit := s.Limit
		if limit == 0 {
			limit = -1
		}
		r.arg("limit").arg(s.Skip).arg(limit)
	}
	return operation[[]codec.Scored[E]]{r.arg("withscores"), z.scored}
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
	return operation[int]{z.write(sortedSetRemoveRange, key).arg(first).arg(last), number}
}

func (z *SortedSet[K, E]) removeByScore(key K, s Scores) operation[int] {
	err := s.check()
	if err == nil && (s.Skip != 0 || s.Limit != 0) {
		err = errNoLimit
	}
	least, most := s.bounds()
	r := z.write(sortedSetRemoveByScore, key).arg(least).arg(most)
	r.fail(nil, err)
	return operation[int]{r, number}
}

func (z *SortedSet[K, E]) pop(cmd command, key K, n int) operation[[]codec.Scored[E]] {
	return operation[[]codec.Scored[E]]{z.removing(cmd, key, n), z.scored}
}

func (z *SortedSet[K, E]) pageOf(key K, first int) operation[paged[codec.Scored[E]]] {
	decode := func(r *request) (p paged[codec.Scored[E]], err error) {
		p.first = first
		if p.values, p.failed, err = z.parseScored(r.parts()); err != nil {
			return p, r.error(cache.ErrRedis, err)
		}
		return p, nil
	}
	r := z.read(sortedSetAll, key).arg(first).arg(first + page - 1).arg("withscores")
	return operation[paged[codec.Scored[E]]]{r, decode}
}

// scored decodes an answer of elements and scores in turn.
func (z *SortedSet[K, E]) scored(r *request) ([]codec.Scored[E], error) {
	if r.noAnswer() {
		return nil, nil
	}
	elems, failed, err := z.parseScored(r.parts())
	if err != nil {
		return nil, r.error(cache.ErrRedis, err)
	}
	return elems, r.undecoded(failed)
}

func (z *SortedSet[K, E]) parseScored(parts [][]byte) (
	elems []codec.Scored[E], failed *ElementsError, err error,
) {
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
