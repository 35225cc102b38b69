package collection_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
)

// Each method does and says what the Redis command does and says.
func TestSetIsRedis(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		s := newSet(t, env.Client, config("set"))
		random(t, env, "set", []any{"smembers"}, false, func(p *pair, r *rand.Rand) {
			ctx, key := t.Context(), p.name()
			wrote := true
			switch r.IntN(10) {
			case 0, 1:
				e := picks(r, 4)
				n, err := s.Add(ctx, key, e...)
				p.same("Add", n, err, anys([]any{"sadd"}, e)...)
			case 2:
				e := picks(r, 4)
				n, err := s.Remove(ctx, key, e...)
				p.same("Remove", n, err, anys([]any{"srem"}, e)...)
			case 3:
				e := pick(r)
				has, err := s.Has(ctx, key, e)
				p.same("Has", has, err, "sismember", e)
				wrote = false
			case 4:
				e := picks(r, 5)
				has, err := s.HasMany(ctx, key, e...)
				p.ordered = true
				p.same("HasMany", has, err, anys([]any{"smismember"}, e)...)
				p.ordered, wrote = false, false
			case 5:
				e, err := s.Members(ctx, key)
				p.same("Members", e, err, "smembers")
				wrote = false
			case 6: // what is popped at random is removed from the twin by name
				before := raw(t, env.Client, "smembers", p.key)
				n := r.IntN(4)
				e, err := s.Pop(ctx, key, n)
				if err != nil || !someOf(e, before, n) {
					t.Fatalf("Pop %d of %q = %q, %v", n, before, e, err)
				}
				if len(e) > 0 {
					p.same("Pop", len(e), err, anys([]any{"srem"}, e)...)
				}
			case 7:
				n := r.IntN(30)
				e, err := s.Random(ctx, key, n)
				if all := raw(t, env.Client, "smembers", p.twin); err != nil || !someOf(e, all, n) {
					t.Fatalf("Random %d of %q = %q, %v", n, all, e, err)
				}
				wrote = false
			case 8:
				n, err := s.Len(ctx, key)
				p.same("Len", n, err, "scard")
				wrote = false
			case 9:
				e := []string{}
				for each, err := range s.All(ctx, key) {
					if err != nil {
						t.Fatal(err)
					}
					e = append(e, each)
				}
				p.same("All", e, nil, "smembers")
				wrote = false
			}
			p.check(wrote)
		})
	})
}

// someOf reports whether elems are n different ones of all, or all if there are fewer.
func someOf(elems, all []string, n int) bool {
	for i, e := range elems {
		if !slices.Contains(all, e) || slices.Contains(elems[:i], e) {
			return false
		}
	}
	return len(elems) == min(n, len(all))
}

// Several sets at a time, in one slot of a cluster.
func TestSetsCombined(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		s := newSet(t, env.Client, config("set"))
		r := rand.New(rand.NewPCG(1, 1))
		keys := []string{"{t}0", "{t}1", "{t}2", "{t}3"}
		for _, key := range keys[:3] { // the last one is missing
			if _, err := s.Add(t.Context(), key, picks(r, 12)...); err != nil {
				t.Fatal(err)
			}
		}
		for range 50 {
			some := make([]string, 1+r.IntN(4))
			args := []any{nil}
			for i := range some {
				some[i] = keys[r.IntN(len(keys))]
				args = append(args, s.RedisKey(some[i]))
			}
			for _, c := range []struct {
				command string
				run     func() ([]string, error)
			}{
				{"sunion", func() ([]string, error) { return s.Union(t.Context(), some...) }},
				{"sinter", func() ([]string, error) { return s.Intersect(t.Context(), some...) }},
				{"sdiff", func() ([]string, error) { return s.Diff(t.Context(), some[0], some[1:]...) }},
			} {
				got, err := c.run()
				args[0] = c.command
				want := raw(t, env.Client, args...)
				if err != nil || !slices.Equal(texts(got).sorted(), want.sorted()) {
					t.Errorf("%q = %q, %v, and Redis says %q", args, got, err, want)
				}
			}
		}
	})
}

// On a cluster, keys of different slots are an error that names the slots.
func TestSetsInDifferentSlots(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		s := newSet(t, env.Client, config("set"))
		for key, elem := range map[string]string{"a": "x", "b": "y", "{t}a": "x", "{t}b": "y"} {
			if _, err := s.Add(t.Context(), key, elem, "both"); err != nil {
				t.Fatal(err)
			}
		}
		slot := func(key string) string { return raw(t, env.Client, "cluster", "keyslot", key)[0] }
		for name, command := range map[string]struct {
			call func(ctx context.Context, keys ...string) ([]string, error)
			want say
		}{
			"Union":     {s.Union, say{"both", "x", "y"}},
			"Intersect": {s.Intersect, say{"both"}},
			"Diff":      {func(ctx context.Context, keys ...string) ([]string, error) { return s.Diff(ctx, keys[0], keys[1:]...) }, say{"x"}},
		} {
			if got, err := command.call(t.Context(), "{t}a", "{t}b"); err != nil || !slices.Equal(say(got).sorted(), command.want) {
				t.Errorf("%s of keys in one slot = %q, %v, want %q", name, got, err, command.want)
			}
			got, err := command.call(t.Context(), "a", "b")
			if env.Topology != redistest.Cluster {
				if err != nil || !slices.Equal(say(got).sorted(), command.want) {
					t.Errorf("%s where there are no slots = %q, %v, want %q", name, got, err, command.want)
				}
				continue
			}
			if !errors.Is(err, collection.ErrSlots) {
				t.Fatalf("%s of keys in different slots: %v", name, err)
			}
			for _, key := range []string{"set:a", "set:b"} {
				if want := fmt.Sprintf("%q in %s", key, slot(key)); !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say: %s", err, want)
				}
			}
		}
	})
}

// A set that Redis scans in several steps, and commands in several parts.
func TestSetOfManyElements(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		s := newSet(t, env.Client, config("set"))
		elems := make([]string, 10_001)
		for i := range elems {
			elems[i] = strconv.Itoa(i)
		}
		if n, err := s.Add(t.Context(), "k", elems...); err != nil || n != len(elems) {
			t.Errorf("Add = %d, %v", n, err)
		}
		if n, err := s.Add(t.Context(), "k", elems...); err != nil || n != 0 {
			t.Errorf("Add of the same = %d, %v", n, err)
		}
		seen := map[string]bool{}
		for e, err := range s.All(t.Context(), "k") {
			if err != nil {
				t.Fatal(err)
			}
			seen[e] = true
		}
		if len(seen) != len(elems) {
			t.Errorf("All yields %d elements of %d", len(seen), len(elems))
		}
		if n, err := s.Remove(t.Context(), "k", elems...); err != nil || n != len(elems) {
			t.Errorf("Remove = %d, %v", n, err)
		}
	})
}

// An iteration that its consumer leaves, asks Redis no more.
func TestAllIsLeft(t *testing.T) {
	env := redistest.Mini(t)
	s := newSet(t, env.Client, config("set"))
	elems := make([]string, 5000)
	for i := range elems {
		elems[i] = strconv.Itoa(i)
	}
	if _, err := s.Add(t.Context(), "k", elems...); err != nil {
		t.Fatal(err)
	}
	n := 0
	for range s.All(t.Context(), "k") {
		if n++; n == 3 {
			env.Mini.SetError("nobody asks any more")
			break
		}
	}
	env.Mini.SetError("")
	if n != 3 {
		t.Errorf("%d elements came", n)
	}
}
