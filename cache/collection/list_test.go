package collection_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/asidecache/aside/internal/redistest"
)

// Each method does and says what the Redis command does and says.
func TestListIsRedis(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l := newList(t, env.Client, config("list"))
		random(t, env, "list", []any{"lrange", 0, -1}, true, func(p *pair, r *rand.Rand) {
			ctx, key := t.Context(), p.name()
			wrote := true
			switch r.IntN(12) {
			case 0:
				e := picks(r, 4)
				n, err := l.PushFront(ctx, key, e...)
				p.same("PushFront", n, err, anys([]any{"lpush"}, e)...)
			case 1, 2:
				e := picks(r, 4)
				n, err := l.PushBack(ctx, key, e...)
				p.same("PushBack", n, err, anys([]any{"rpush"}, e)...)
			case 3:
				pivot, e := pick(r), pick(r)
				n, err := l.InsertBefore(ctx, key, pivot, e)
				p.sameButFor("-1", "0", "InsertBefore", n, err, "linsert", "before", pivot, e)
			case 4:
				pivot, e := pick(r), pick(r)
				n, err := l.InsertAfter(ctx, key, pivot, e)
				p.sameButFor("-1", "0", "InsertAfter", n, err, "linsert", "after", pivot, e)
			case 5:
				n := r.IntN(5)
				e, err := l.PopFront(ctx, key, n)
				if n > 0 {
					p.same("PopFront", e, err, "lpop", n)
				}
			case 6:
				n := r.IntN(5)
				e, err := l.PopBack(ctx, key, n)
				if n > 0 {
					p.same("PopBack", e, err, "rpop", n)
				}
			case 7:
				i := index(r)
				e, ok, err := l.At(ctx, key, i)
				p.same("At", there(e, ok), err, "lindex", i)
				wrote = false
			case 8:
				from, to := index(r), index(r)
				e, err := l.Range(ctx, key, from, to)
				p.same("Range", e, err, "lrange", from, to)
				wrote = false
			case 9:
				from, to := index(r), index(r)
				err := l.Trim(ctx, key, from, to)
				p.same("Trim", "OK", err, "ltrim", from, to)
			case 10:
				n, err := l.Len(ctx, key)
				p.same("Len", n, err, "llen")
				wrote = false
			case 11:
				e := []string{}
				for each, err := range l.All(ctx, key) {
					if err != nil {
						t.Fatal(err)
					}
					e = append(e, each)
				}
				p.same("All", e, nil, "lrange", 0, -1)
				wrote = false
			}
			p.check(wrote)
		})
	})
}

// there is a result that may be nothing.
func there(v any, ok bool) any {
	if !ok {
		return nil
	}
	return v
}

// A list longer than a page, and than what one part of a command takes.
func TestListOfManyElements(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l := newList(t, env.Client, config("list"))
		sizes := []int{511, 512, 513, 1999, 2000, 2001}
		if env.Mini == nil { // which moves all elements for each that comes in front
			sizes = append(sizes, 10_001)
		}
		for _, n := range sizes {
			key := strconv.Itoa(n)
			elems := make([]string, n)
			for i := range elems {
				elems[i] = strconv.Itoa(i)
			}
			length, err := l.PushBack(t.Context(), key, elems...)
			if err != nil || length != n {
				t.Errorf("PushBack of %d elements = %d, %v", n, length, err)
			}
			var got []string
			for e, err := range l.All(t.Context(), key) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e)
			}
			if !slices.Equal(got, elems) {
				t.Errorf("All of %d elements yields %d, or others", n, len(got))
			}
			if length, err = l.PushFront(t.Context(), key, elems...); err != nil || length != 2*n {
				t.Errorf("PushFront of %d more elements = %d, %v", n, length, err)
			}
			slices.Reverse(elems)
			if got, err := l.Range(t.Context(), key, 0, n-1); err != nil || !slices.Equal(got, elems) {
				t.Errorf("PushFront of %d elements stores %d, or others, %v", n, len(got), err)
			}
			if got, err := l.PopFront(t.Context(), key, 3*n); err != nil || len(got) != 2*n {
				t.Errorf("PopFront of %d elements = %d elements, %v", 2*n, len(got), err)
			}
		}
	})
}
