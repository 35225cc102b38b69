package collection_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

// A call is one use of a method.
type call func(ctx context.Context) error

// methods are calls of every method of every kind that asks Redis, with the key k.
func methods(t testing.TB, rdb redis.UniversalClient, timeout time.Duration) map[string]map[string]call {
	cfg := func(name string) collection.Config[string, string] {
		c := config(name)
		c.RedisTimeout = timeout
		return c
	}
	l, s, z := newList(t, rdb, cfg("list")), newSet(t, rdb, cfg("set")), newSortedSet(t, rdb, cfg("zset"))
	hc := hashConfig()
	hc.RedisTimeout = timeout
	h := newHash(t, rdb, hc)
	first := func(seq func(func(string, error) bool)) (err error) {
		for _, err = range seq {
			break
		}
		return err
	}
	return map[string]map[string]call{
		"list": {
			"PushFront":    func(ctx context.Context) error { _, err := l.PushFront(ctx, "k", "a"); return err },
			"PushBack":     func(ctx context.Context) error { _, err := l.PushBack(ctx, "k", "a"); return err },
			"InsertBefore": func(ctx context.Context) error { _, err := l.InsertBefore(ctx, "k", "a", "b"); return err },
			"InsertAfter":  func(ctx context.Context) error { _, err := l.InsertAfter(ctx, "k", "a", "b"); return err },
			"PopFront":     func(ctx context.Context) error { _, err := l.PopFront(ctx, "k", 1); return err },
			"PopBack":      func(ctx context.Context) error { _, err := l.PopBack(ctx, "k", 1); return err },
			"At":           func(ctx context.Context) error { _, _, err := l.At(ctx, "k", 0); return err },
			"Range":        func(ctx context.Context) error { _, err := l.Range(ctx, "k", 0, -1); return err },
			"Trim":         func(ctx context.Context) error { return l.Trim(ctx, "k", 0, 1) },
			"Len":          func(ctx context.Context) error { _, err := l.Len(ctx, "k"); return err },
			"All":          func(ctx context.Context) error { return first(l.All(ctx, "k")) },
		},
		"set": {
			"Add":       func(ctx context.Context) error { _, err := s.Add(ctx, "k", "a"); return err },
			"Remove":    func(ctx context.Context) error { _, err := s.Remove(ctx, "k", "a"); return err },
			"Has":       func(ctx context.Context) error { _, err := s.Has(ctx, "k", "a"); return err },
			"HasMany":   func(ctx context.Context) error { _, err := s.HasMany(ctx, "k", "a"); return err },
			"Members":   func(ctx context.Context) error { _, err := s.Members(ctx, "k"); return err },
			"Pop":       func(ctx context.Context) error { _, err := s.Pop(ctx, "k", 1); return err },
			"Random":    func(ctx context.Context) error { _, err := s.Random(ctx, "k", 1); return err },
			"Len":       func(ctx context.Context) error { _, err := s.Len(ctx, "k"); return err },
			"Union":     func(ctx context.Context) error { _, err := s.Union(ctx, "k"); return err },
			"Intersect": func(ctx context.Context) error { _, err := s.Intersect(ctx, "k"); return err },
			"Diff":      func(ctx context.Context) error { _, err := s.Diff(ctx, "k"); return err },
			"All":       func(ctx context.Context) error { return first(s.All(ctx, "k")) },
		},
		"zset": {
			"Put": func(ctx context.Context) error { _, err := z.Put(ctx, "k", scored{Elem: "a", Score: 1}); return err },
			"PutIf": func(ctx context.Context) error {
				_, err := z.PutIf(ctx, "k", collection.New, scored{Elem: "a", Score: 1})
				return err
			},
			"Incr":      func(ctx context.Context) error { _, err := z.Incr(ctx, "k", "a", 1); return err },
			"Remove":    func(ctx context.Context) error { _, err := z.Remove(ctx, "k", "a"); return err },
			"Score":     func(ctx context.Context) error { _, _, err := z.Score(ctx, "k", "a"); return err },
			"Rank":      func(ctx context.Context) error { _, _, err := z.Rank(ctx, "k", "a"); return err },
			"RankBack":  func(ctx context.Context) error { _, _, err := z.RankBack(ctx, "k", "a"); return err },
			"Range":     func(ctx context.Context) error { _, err := z.Range(ctx, "k", 0, -1); return err },
			"RangeBack": func(ctx context.Context) error { _, err := z.RangeBack(ctx, "k", 0, -1); return err },
			"RangeByScore": func(ctx context.Context) error {
				_, err := z.RangeByScore(ctx, "k", collection.AllScores)
				return err
			},
			"RangeByScoreBack": func(ctx context.Context) error {
				_, err := z.RangeByScoreBack(ctx, "k", collection.AllScores)
				return err
			},
			"RemoveRange": func(ctx context.Context) error { _, err := z.RemoveRange(ctx, "k", 0, 0); return err },
			"RemoveByScore": func(ctx context.Context) error {
				_, err := z.RemoveByScore(ctx, "k", collection.AllScores)
				return err
			},
			"PopMin": func(ctx context.Context) error { _, err := z.PopMin(ctx, "k", 1); return err },
			"PopMax": func(ctx context.Context) error { _, err := z.PopMax(ctx, "k", 1); return err },
			"Len":    func(ctx context.Context) error { _, err := z.Len(ctx, "k"); return err },
			"All": func(ctx context.Context) (err error) {
				for _, err = range z.All(ctx, "k") {
					break
				}
				return err
			},
		},
		"hash": {
			"Get":       func(ctx context.Context) error { _, err := h.Get(ctx, "k", name.Into(new(string))); return err },
			"Set":       func(ctx context.Context) error { return h.Set(ctx, "k", name.To("a")) },
			"Incr":      func(ctx context.Context) error { return h.Incr(ctx, "k", age.Into(new(int)), 1) },
			"IncrFloat": func(ctx context.Context) error { return h.IncrFloat(ctx, "k", weight.Into(new(float64)), 1) },
			"Remove":    func(ctx context.Context) error { _, err := h.Remove(ctx, "k", name); return err },
			"Load":      func(ctx context.Context) error { _, _, err := h.Load(ctx, "k"); return err },
		},
	}
}

// redisKey is the Redis key of k in a collection of a kind.
func redisKey(kind string) string {
	if kind == "hash" {
		return "person:k"
	}
	return kind + ":k"
}

// A key of another type is an error that names both types, and stays as it was.
func TestWrongType(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for kind, all := range methods(t, env.Client, longTimeout) {
			key, found := redisKey(kind), "string"
			for method, call := range all {
				env.FlushAll(t)
				raw(t, env.Client, "set", key, "something else")
				set(t, env.Client, control(key), lease)
				err := call(t.Context())
				var wrong *collection.TypeError
				if !errors.Is(err, collection.ErrWrongType) || !errors.As(err, &wrong) || wrong.Want.String() != kind || wrong.Found != found || wrong.Key != key {
					t.Errorf("%s of a %s, of a string: %v", method, kind, err)
				} else if !strings.Contains(err.Error(), kind) || !strings.Contains(err.Error(), found) {
					t.Errorf("%s of a %s, of a string: the error does not say so: %v", method, kind, err)
				}
				if got := raw(t, env.Client, "get", key); got[0] != "something else" {
					t.Errorf("%s of a %s has changed the string to %q", method, kind, got)
				}
				wantNoted(t, env.Client, key, lease)
				if life := raw(t, env.Client, "pttl", key); life[0] != "-1" {
					t.Errorf("%s of a %s has given the string a TTL", method, kind)
				}
			}
		}
	})
}

// number is an element that is easily encoded or decoded wrongly.
var numbers = codec.Text[int]()

// picky encodes no negative numbers, and panics over 13.
type picky struct{ codec.StringCodec[int] }

func (p picky) AppendValue(dst []byte, v int) ([]byte, error) {
	switch {
	case v < 0:
		return dst, errors.New("a negative number")
	case v == 13:
		panic("the secret number 13")
	}
	return p.StringCodec.AppendValue(dst, v)
}

func (p picky) ParseValue(src []byte, v *int) error {
	if string(src) == "13" {
		panic("the secret number 13")
	}
	return p.StringCodec.ParseValue(src, v)
}

func intConfig(name string) collection.Config[string, int] {
	return collection.Config[string, int]{Name: name, Value: picky{numbers}, TTL: time.Hour, RedisTimeout: longTimeout}
}

// What cannot be encoded stops the whole write.
func TestNothingIsHalfWritten(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l, err := collection.NewList(env.Client, intConfig("list"))
		l = opened(t, l, err)
		s, err := collection.NewSet(env.Client, intConfig("set"))
		s = opened(t, s, err)
		z, err := collection.NewSortedSet(env.Client, intConfig("zset"))
		z = opened(t, z, err)
		type num = codec.Scored[int]
		for name, call := range map[string]func(elems ...int) error{
			"PushFront": func(e ...int) error { _, err := l.PushFront(t.Context(), "k", e...); return err },
			"PushBack":  func(e ...int) error { _, err := l.PushBack(t.Context(), "k", e...); return err },
			"Insert":    func(e ...int) error { _, err := l.InsertAfter(t.Context(), "k", e[0], e[1]); return err },
			"Add":       func(e ...int) error { _, err := s.Add(t.Context(), "k", e...); return err },
			"Remove":    func(e ...int) error { _, err := s.Remove(t.Context(), "k", e...); return err },
			"HasMany":   func(e ...int) error { _, err := s.HasMany(t.Context(), "k", e...); return err },
			"Put": func(e ...int) error {
				_, err := z.Put(t.Context(), "k", num{Elem: e[0]}, num{Elem: e[1]}, num{Elem: e[2]})
				return err
			},
		} {
			for _, bad := range []int{-7, 13} {
				var failed *collection.ElementsError
				err := call(1, bad, 2)
				if !errors.Is(err, cache.ErrEncode) || !errors.As(err, &failed) || len(failed.Errs) != 1 || failed.Errs[1] == nil {
					t.Errorf("%s of %d: %v", name, bad, err)
				}
				if strings.Contains(fmt.Sprint(err), fmt.Sprint(bad)) {
					t.Errorf("%s: the error holds the element: %v", name, err)
				}
			}
		}
		if keys := env.Keys(t); len(keys) > 0 {
			t.Errorf("there is %q", keys)
		}
	})
}

// Elements that cannot be decoded are errors with their indexes, and the others come.
func TestBrokenElements(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l, err := collection.NewList(env.Client, intConfig("list"))
		l = opened(t, l, err)
		raw(t, env.Client, "rpush", "list:k", "1", "no number", "3", "13", "5")
		want := []int{1, 0, 3, 0, 5}
		check := func(what string, got []int, err error) {
			t.Helper()
			var failed *collection.ElementsError
			if !errors.Is(err, cache.ErrDecode) || !errors.As(err, &failed) || len(failed.Errs) != 2 || failed.Errs[1] == nil || failed.Errs[3] == nil {
				t.Errorf("%s: %v", what, err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s = %v, want %v", what, got, want)
			}
			if text := fmt.Sprint(err); strings.Contains(text, "no number") || strings.Contains(text, "secret") {
				t.Errorf("%s: the error holds an element: %v", what, err)
			}
		}
		got, err := l.Range(t.Context(), "k", 0, -1)
		check("Range", got, err)
		got = nil
		var errs []error
		for e, err := range l.All(t.Context(), "k") {
			got = append(got, e)
			errs = append(errs, err)
		}
		for i, err := range errs {
			if (i == 1 || i == 3) != errors.Is(err, cache.ErrDecode) {
				t.Errorf("All, at %d: %v", i, err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("All = %v, want %v", got, want)
		}
		if e, ok, err := l.At(t.Context(), "k", 1); e != 0 || ok || !errors.Is(err, cache.ErrDecode) {
			t.Errorf("At = %v, %v, %v", e, ok, err)
		}
		got, err = l.PopFront(t.Context(), "k", 5)
		check("PopFront", got, err)

		z, err := collection.NewSortedSet(env.Client, intConfig("zset"))
		z = opened(t, z, err)
		raw(t, env.Client, "zadd", "zset:k", 1, "1", 2, "no number", 3, "3", 4, "13", 5, "5")
		elems, err := z.Range(t.Context(), "k", 0, -1)
		got = nil
		for i, e := range elems {
			got = append(got, e.Elem)
			if e.Score != float64(i+1) {
				t.Errorf("the score of element %d is %v", i, e.Score)
			}
		}
		check("Range", got, err)
	})
}

// Numbers of elements that there cannot be, and calls that have nothing to do.
func TestEdgesOfCalls(t *testing.T) {
	env := redistest.Mini(t)
	l, s, z := newList(t, env.Client, config("list")), newSet(t, env.Client, config("set")), newSortedSet(t, env.Client, config("zset"))
	ctx := t.Context()
	for name, call := range map[string]func(n int) (int, error){
		"PopFront": func(n int) (int, error) { e, err := l.PopFront(ctx, "k", n); return len(e), err },
		"PopBack":  func(n int) (int, error) { e, err := l.PopBack(ctx, "k", n); return len(e), err },
		"Pop":      func(n int) (int, error) { e, err := s.Pop(ctx, "k", n); return len(e), err },
		"Random":   func(n int) (int, error) { e, err := s.Random(ctx, "k", n); return len(e), err },
		"PopMin":   func(n int) (int, error) { e, err := z.PopMin(ctx, "k", n); return len(e), err },
		"PopMax":   func(n int) (int, error) { e, err := z.PopMax(ctx, "k", n); return len(e), err },
	} {
		if _, err := call(-1); err == nil {
			t.Errorf("%s of -1 elements gives no error", name)
		}
		if n, err := call(0); n != 0 || err != nil {
			t.Errorf("%s of no elements: %d, %v", name, n, err)
		}
	}
	_, _ = l.PushBack(ctx, "k", "a", "b")
	if n, err := l.PushBack(ctx, "k"); n != 2 || err != nil {
		t.Errorf("PushBack of no elements = %d, %v", n, err)
	}
	if n, err := s.Add(ctx, "k"); n != 0 || err != nil {
		t.Errorf("Add of no elements = %d, %v", n, err)
	}
	if e, err := s.Union(ctx); e != nil || err != nil {
		t.Errorf("Union of no sets = %v, %v", e, err)
	}
	if err := l.Delete(ctx); err != nil {
		t.Errorf("Delete of no keys: %v", err)
	}
	if _, err := l.With(collection.TTL(0)).PushBack(ctx, "k", "a"); err == nil {
		t.Error("a TTL of 0 gives no error")
	}
	if _, err := l.With(collection.TTL(0)).Len(ctx, "k"); err != nil {
		t.Errorf("a TTL of 0 fails a read: %v", err)
	}
	if _, err := z.RemoveByScore(ctx, "k", collection.Scores{Limit: 1}); err == nil {
		t.Error("RemoveByScore with a limit gives no error")
	}
}

// New tells all that is wrong at once.
func TestRefusals(t *testing.T) {
	bad := collection.Config[float64, chan int]{Name: "aside:x@3", Version: -1, TTL: time.Microsecond, Jitter: 2, RedisTimeout: time.Microsecond, WaitReplicas: -1}
	_, err := collection.NewList(nil, bad)
	for _, want := range []string{`list "aside:x@3"`, "is taken", "where a version stands", "Version is -1", "TTL is 1µs", "Jitter is 2", "RedisTimeout is 1µs", "WaitReplicas is -1", "Key: float64", "Value: ", "client is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewList does not say %q: %v", want, err)
		}
	}
	_, err = collection.NewHash(nil, collection.HashConfig[string, person]{})
	for _, want := range []string{`hash ""`, "Name is empty", "TTL is 0", "Mapping is nil", "client is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewHash does not say %q: %v", want, err)
		}
	}
	_, err = collection.NewHash(nil, collection.HashConfig[string, person]{Mapping: new(hashmap.Mapping[person])})
	if err == nil || !strings.Contains(err.Error(), "Mapping: ") {
		t.Errorf("NewHash of a zero mapping: %v", err)
	}
	var value *picky
	if _, err := collection.NewSet(nil, collection.Config[string, int]{Value: value}); err == nil || !strings.Contains(err.Error(), "Value is a nil") {
		t.Errorf("NewSet of a nil value: %v", err)
	}
}

// After Close every call fails, of what With has made too.
func TestClosed(t *testing.T) {
	env := redistest.Mini(t)
	l := newList(t, env.Client, config("list"))
	other := l.With(collection.Renew())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := other.PushBack(t.Context(), "k", "a"); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("PushBack: %v", err)
	}
	if err := l.Delete(t.Context(), "k"); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Delete: %v", err)
	}
	for _, err := range l.All(t.Context(), "k") {
		if !errors.Is(err, cache.ErrClosed) {
			t.Errorf("All: %v", err)
		}
	}
	var p collection.Pipeline
	n := l.In(&p).Len("k")
	if err := p.Exec(t.Context()); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Exec: %v", err)
	}
	if _, err := n.Result(); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Result: %v", err)
	}
}

// Keys of one family are those of a cache of the same name, version and key type.
func TestKeysAreThoseOfACache(t *testing.T) {
	type pairKey struct {
		Tenant string
		ID     int
	}
	env := redistest.Mini(t)
	c, err := cache.New(env.Client, cache.Config[pairKey, person]{Name: "p", Version: 2, Codec: people, TTL: time.Hour})
	c = opened(t, c, err)
	h, err := collection.NewHash(env.Client, collection.HashConfig[pairKey, person]{Name: "p", Version: 2, Mapping: people, TTL: time.Hour})
	h = opened(t, h, err)
	for _, key := range []pairKey{{}, {"a:b", 1}, {"%", -1}, {"{t}", 0}} {
		if c.RedisKey(key) != h.RedisKey(key) || h.RedisKey(key) == "" {
			t.Errorf("RedisKey(%v) = %q and %q", key, c.RedisKey(key), h.RedisKey(key))
		}
	}
}

// An error of several keys says of which collection, and how many keys there were.
func TestDeleteNamesTheCall(t *testing.T) {
	mini := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mini.Addr()})
	defer func() { _ = rdb.Close() }()
	s := newSet(t, rdb, config("tags"))
	mini.SetError("ERR broken")
	err := s.Delete(t.Context(), "a", "b", "a")
	if want := "aside: Delete tags: 2 of 2 keys failed: key a: "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}
