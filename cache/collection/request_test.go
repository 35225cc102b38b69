package collection_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// A call with several mistakes is an error that names the first: the key before the options,
// and these before the arguments.
func TestFirstMistakeOfACall(t *testing.T) {
	env := redistest.Mini(t)
	ctx := t.Context()
	noKey := config("set")
	noKey.Key = func([]byte, string) []byte { return nil }
	noKey.Value = unused{codec.Text[string](), t}
	s := newSet(t, env.Client, noKey)
	noKey.Name = "list"
	l := newList(t, env.Client, noKey)
	noKey.Name = "zset"
	z := newSortedSet(t, env.Client, noKey)
	nan := scored{Elem: "a", Score: math.NaN()}
	for name, call := range map[string]func() error{
		"PopBack": func() error { return second(l.PopBack(ctx, "k", -1)) },
		"Add":     func() error { return second(s.Add(ctx, "k", "a")) },
		"Random":  func() error { return second(s.Random(ctx, "k", -1)) },
		"Union":   func() error { return second(s.Union(ctx, "k", "l")) },
		"Put":     func() error { return second(z.Put(ctx, "k", scored{Elem: "a"}, nan)) },
		"PutIf":   func() error { return second(z.PutIf(ctx, "k", collection.New|collection.Less, nan)) },
		"Incr":    func() error { return second(z.Incr(ctx, "k", "a", nan.Score)) },
		"RangeByScore": func() error {
			return second(z.RangeByScore(ctx, "k", collection.Scores{Min: nan.Score}))
		},
		"RemoveByScore": func() error {
			return second(z.RemoveByScore(ctx, "k", collection.Scores{Limit: 1}))
		},
		"TTL": func() error { return second(z.With(collection.TTL(0)).Put(ctx, "k", nan)) },
	} {
		if err := call(); !errors.Is(err, cache.ErrEncode) || !strings.Contains(err.Error(), "prefix is gone") {
			t.Errorf("%s with a key that cannot be named: %v", name, err)
		}
	}

	named := newSortedSet(t, env.Client, config("named"))
	err := second(named.With(collection.TTL(0)).Put(ctx, "k", nan))
	if err == nil || !strings.Contains(err.Error(), "the option TTL(0s)") {
		t.Errorf("Put of NaN with a TTL of 0: %v", err)
	}
	if keys := env.Keys(t); len(keys) > 0 {
		t.Errorf("there is %q", keys)
	}
}

// An unused codec encodes no value.
type unused struct {
	codec.Value[string]
	t *testing.T
}

func (u unused) AppendValue(dst []byte, v string) ([]byte, error) {
	u.t.Errorf("%q is encoded, after a mistake", v)
	return u.Value.AppendValue(dst, v)
}

// A call without elements asks Redis nothing, by itself and in a pipeline.
func TestCallsOfNothing(t *testing.T) {
	env := redistest.Mini(t)
	s, z := newSet(t, env.Client, config("set")), newSortedSet(t, env.Client, config("zset"))
	var p collection.Pipeline
	added, has, popped := s.In(&p).Add("k"), s.In(&p).HasMany("k"), z.In(&p).PopMin("k", 0)
	if p.Len() != 0 {
		t.Errorf("%d operations are queued", p.Len())
	}
	if n, err := added.Result(); n != 0 || err != nil {
		t.Errorf("Add of nothing = %d, %v", n, err)
	}
	if all, err := has.Result(); all != nil || err != nil {
		t.Errorf("HasMany of nothing = %v, %v", all, err)
	}
	if elems, err := popped.Result(); elems != nil || err != nil {
		t.Errorf("PopMin of nothing = %v, %v", elems, err)
	}
	if err := p.Exec(t.Context()); err != nil {
		t.Errorf("Exec: %v", err)
	}

	_ = s.Close()
	var failed *cache.Error
	err := second(s.Add(t.Context(), "k"))
	if !errors.As(err, &failed) || failed.Kind != cache.ErrClosed || failed.Op != "Add" {
		t.Errorf("Add of nothing after Close: %v", err)
	}
}
