package collection_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

type scored = codec.Scored[string]

var scores = []float64{0, 1, 1, 2.5, -1, 1e21, 1e-7, -0.1, 0.30000000000000004, math.Inf(1), math.Inf(-1), math.MaxFloat64}

func score(r *rand.Rand) float64 { return scores[r.IntN(len(scores))] }

// pairs are elements and scores in turn, in the order of Redis's answers.
func pairs(elems []scored) say {
	all := say{}
	for _, e := range elems {
		all = append(all, e.Elem, strconv.FormatFloat(e.Score, 'g', -1, 64))
	}
	return all
}

func bound(f float64, out bool) string {
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if out {
		text = "(" + text
	}
	return text
}

// Each method does and says what the Redis command does and says.
func TestSortedSetIsRedis(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		z := newSortedSet(t, env.Client, config("zset"))
		random(t, env, "zset", []any{"zrange", 0, -1, "withscores"}, true, func(p *pair, r *rand.Rand) {
			ctx, key := t.Context(), p.name()
			wrote := true
			switch r.IntN(18) {
			case 0, 1, 2:
				elems, args := randomScored(r)
				n, err := z.Put(ctx, key, elems...)
				p.same("Put", n, err, append([]any{"zadd", "ch"}, args...)...)
			case 3, 4:
				whens := []collection.When{0, collection.New, collection.Present, collection.Greater, collection.Less, collection.Present | collection.Greater, collection.Present | collection.Less}
				words := [][]any{{}, {"nx"}, {"xx"}, {"gt"}, {"lt"}, {"xx", "gt"}, {"xx", "lt"}}
				i := r.IntN(len(whens))
				elems, args := randomScored(r)
				n, err := z.PutIf(ctx, key, whens[i], elems...)
				p.same("PutIf", n, err, append(append([]any{"zadd"}, append(words[i], "ch")...), args...)...)
			case 5: // infinities may come to NaN, which Redis refuses
				e, by := pick(r), float64(r.IntN(9))-4.5
				got, err := z.Incr(ctx, key, e, by)
				p.same("Incr", got, err, "zincrby", by, e)
			case 6:
				e := picks(r, 3)
				n, err := z.Remove(ctx, key, e...)
				p.same("Remove", n, err, anys([]any{"zrem"}, e)...)
			case 7:
				e := pick(r)
				got, ok, err := z.Score(ctx, key, e)
				p.same("Score", there(got, ok), err, "zscore", e)
				wrote = false
			case 8:
				e := pick(r)
				got, ok, err := z.Rank(ctx, key, e)
				p.same("Rank", there(got, ok), err, "zrank", e)
				wrote = false
			case 9:
				e := pick(r)
				got, ok, err := z.RankBack(ctx, key, e)
				p.same("RankBack", there(got, ok), err, "zrevrank", e)
				wrote = false
			case 10:
				from, to := index(r), index(r)
				e, err := z.Range(ctx, key, from, to)
				p.same("Range", []string(pairs(e)), err, "zrange", from, to, "withscores")
				wrote = false
			case 11:
				from, to := index(r), index(r)
				e, err := z.RangeBack(ctx, key, from, to)
				p.same("RangeBack", []string(pairs(e)), err, "zrevrange", from, to, "withscores")
				wrote = false
			case 12:
				s, limit := randomScores(r)
				e, err := z.RangeByScore(ctx, key, s)
				p.same("RangeByScore", []string(pairs(e)), err, append([]any{"zrangebyscore", bound(s.Min, s.AboveMin), bound(s.Max, s.BelowMax), "withscores"}, limit...)...)
				wrote = false
			case 13:
				s, limit := randomScores(r)
				e, err := z.RangeByScoreBack(ctx, key, s)
				p.same("RangeByScoreBack", []string(pairs(e)), err, append([]any{"zrevrangebyscore", bound(s.Max, s.BelowMax), bound(s.Min, s.AboveMin), "withscores"}, limit...)...)
				wrote = false
			case 14:
				from, to := index(r), index(r)
				n, err := z.RemoveRange(ctx, key, from, to)
				p.same("RemoveRange", n, err, "zremrangebyrank", from, to)
			case 15:
				s, _ := randomScores(r)
				s.Skip, s.Limit = 0, 0
				n, err := z.RemoveByScore(ctx, key, s)
				p.same("RemoveByScore", n, err, "zremrangebyscore", bound(s.Min, s.AboveMin), bound(s.Max, s.BelowMax))
			case 16:
				n := 1 + r.IntN(3)
				if r.IntN(2) == 0 {
					e, err := z.PopMin(ctx, key, n)
					p.same("PopMin", []string(pairs(e)), err, "zpopmin", n)
				} else {
					e, err := z.PopMax(ctx, key, n)
					p.same("PopMax", []string(pairs(e)), err, "zpopmax", n)
				}
			case 17:
				n, err := z.Len(ctx, key)
				p.same("Len", n, err, "zcard")
				var all []scored
				for e, err := range z.All(ctx, key) {
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, e)
				}
				p.same("All", []string(pairs(all)), nil, "zrange", 0, -1, "withscores")
				wrote = false
			}
			p.check(wrote)
		})
	})
}

func randomScored(r *rand.Rand) (elems []scored, args []any) {
	for _, e := range picks(r, 4) {
		s := score(r)
		elems = append(elems, scored{Elem: e, Score: s})
		args = append(args, strconv.FormatFloat(s, 'g', -1, 64), e)
	}
	return elems, args
}

// randomScores returns a range and the words of its limits.
func randomScores(r *rand.Rand) (s collection.Scores, limit []any) {
	s = collection.Scores{Min: score(r), Max: score(r), AboveMin: r.IntN(2) == 0, BelowMax: r.IntN(2) == 0}
	if r.IntN(4) == 0 {
		s = collection.AllScores
	}
	if r.IntN(2) == 0 {
		return s, nil
	}
	s.Skip, s.Limit = r.IntN(3), r.IntN(3)
	if s.Limit == 0 {
		return s, []any{"limit", s.Skip, -1}
	}
	return s, []any{"limit", s.Skip, s.Limit}
}

// NaN has no place in an order, whichever way it comes.
func TestSortedSetRefusesNaN(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		z := newSortedSet(t, env.Client, config("zset"))
		_, err := z.Put(t.Context(), "k", scored{Elem: "a", Score: 1}, scored{Elem: "b", Score: math.NaN()}, scored{Elem: "c", Score: 2})
		var failed *collection.ElementsError
		if !errors.Is(err, cache.ErrEncode) || !errors.As(err, &failed) || len(failed.Errs) != 1 || failed.Errs[1] == nil {
			t.Errorf("Put of a NaN: %v", err)
		}
		if keys := env.Keys(t); len(keys) > 0 {
			t.Errorf("a Put that failed has left %q", keys)
		}
		if _, err := z.Incr(t.Context(), "k", "a", math.NaN()); !errors.Is(err, cache.ErrEncode) {
			t.Errorf("Incr by NaN: %v", err)
		}
		if _, err := z.RangeByScore(t.Context(), "k", collection.Scores{Min: math.NaN()}); err == nil {
			t.Error("RangeByScore from NaN gives no error")
		}
		if _, err := z.RemoveByScore(t.Context(), "k", collection.Scores{Max: math.NaN()}); err == nil {
			t.Error("RemoveByScore to NaN gives no error")
		}
		if env.Mini != nil {
			return // it stores what Redis refuses
		}
		if _, err := z.Put(t.Context(), "k", scored{Elem: "a", Score: math.Inf(1)}); err != nil {
			t.Fatal(err)
		}
		if _, err := z.Incr(t.Context(), "k", "a", math.Inf(-1)); !errors.Is(err, cache.ErrRedis) {
			t.Errorf("Incr to NaN: %v", err)
		}
		if got, ok, err := z.Score(t.Context(), "k", "a"); got != math.Inf(1) || !ok || err != nil {
			t.Errorf("after Incr to NaN the score is %v, %v, %v", got, ok, err)
		}
	})
}

func TestSortedSetOfManyElements(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		z := newSortedSet(t, env.Client, config("zset"))
		elems := make([]scored, 4_001)
		for i := range elems {
			elems[i] = scored{Elem: strconv.Itoa(i), Score: float64(i)}
		}
		if n, err := z.Put(t.Context(), "k", elems...); err != nil || n != len(elems) {
			t.Errorf("Put = %d, %v", n, err)
		}
		// The conditions stand in front of each part.
		if n, err := z.PutIf(t.Context(), "k", collection.New, elems...); err != nil || n != 0 {
			t.Errorf("PutIf of the same = %d, %v", n, err)
		}
		for i := range elems {
			elems[i].Score++
		}
		if n, err := z.PutIf(t.Context(), "k", collection.Present|collection.Greater, elems...); err != nil || n != len(elems) {
			t.Errorf("PutIf with greater scores = %d, %v", n, err)
		}
		var got []scored
		for e, err := range z.All(t.Context(), "k") {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
		}
		if !slices.Equal(got, elems) {
			t.Errorf("All yields %d elements, or others", len(got))
		}
	})
}

// Conditions that exclude each other, and those that there are not.
func TestPutIfRefusesConditions(t *testing.T) {
	env := redistest.Mini(t)
	z := newSortedSet(t, env.Client, config("zset"))
	for _, when := range []collection.When{
		collection.New | collection.Present, collection.New | collection.Greater, collection.New | collection.Less,
		collection.Greater | collection.Less, 16, 255,
	} {
		if _, err := z.PutIf(t.Context(), "k", when, scored{Elem: "a", Score: 1}); err == nil {
			t.Errorf("PutIf with conditions %b gives no error", when)
		}
	}
	if keys := env.Keys(t); len(keys) > 0 {
		t.Errorf("there is %q", keys)
	}
}
