package collection_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// A change is a write of elements to the key k, none of whose elements is there.
type change struct {
	name  string
	makes bool // it makes a value where there was none
	write func(ctx context.Context, opts ...collection.Option) error
}

// only drops the result of a method.
func only[R any](_ R, err error) error { return err }

func listChanges(l *collection.List[string, string]) []change {
	type option = collection.Option
	return []change{
		{"PushFront", true, func(ctx context.Context, o ...option) error { return only(l.With(o...).PushFront(ctx, "k", "b")) }},
		{"PushBack", true, func(ctx context.Context, o ...option) error { return only(l.With(o...).PushBack(ctx, "k", "b")) }},
		{"InsertBefore", false, func(ctx context.Context, o ...option) error {
			return only(l.With(o...).InsertBefore(ctx, "k", "a", "b"))
		}},
		{"InsertAfter", false, func(ctx context.Context, o ...option) error {
			return only(l.With(o...).InsertAfter(ctx, "k", "a", "b"))
		}},
		{"PopFront", false, func(ctx context.Context, o ...option) error { return only(l.With(o...).PopFront(ctx, "k", 1)) }},
		{"PopBack", false, func(ctx context.Context, o ...option) error { return only(l.With(o...).PopBack(ctx, "k", 1)) }},
		{"Trim", false, func(ctx context.Context, o ...option) error { return l.With(o...).Trim(ctx, "k", 0, 1) }},
		{"PopFront in a pipeline", false, func(ctx context.Context, o ...option) error {
			var p collection.Pipeline
			l.With(o...).In(&p).PopFront("k", 1)
			return p.Exec(ctx)
		}},
	}
}

func setChanges(s *collection.Set[string, string]) []change {
	type option = collection.Option
	return []change{
		{"Add", true, func(ctx context.Context, o ...option) error { return only(s.With(o...).Add(ctx, "k", "b")) }},
		{"Remove", false, func(ctx context.Context, o ...option) error { return only(s.With(o...).Remove(ctx, "k", "a")) }},
		{"Pop", false, func(ctx context.Context, o ...option) error { return only(s.With(o...).Pop(ctx, "k", 1)) }},
	}
}

func sortedSetChanges(z *collection.SortedSet[string, string]) []change {
	type option = collection.Option
	b := scored{Elem: "b", Score: 2}
	return []change{
		{"Put", true, func(ctx context.Context, o ...option) error { return only(z.With(o...).Put(ctx, "k", b)) }},
		{"PutIf", false, func(ctx context.Context, o ...option) error {
			return only(z.With(o...).PutIf(ctx, "k", collection.Present, b))
		}},
		{"Incr", true, func(ctx context.Context, o ...option) error { return only(z.With(o...).Incr(ctx, "k", "b", 1)) }},
		{"Remove", false, func(ctx context.Context, o ...option) error { return only(z.With(o...).Remove(ctx, "k", "a")) }},
		{"RemoveRange", false, func(ctx context.Context, o ...option) error { return only(z.With(o...).RemoveRange(ctx, "k", 0, -1)) }},
		{"RemoveByScore", false, func(ctx context.Context, o ...option) error {
			return only(z.With(o...).RemoveByScore(ctx, "k", collection.AllScores))
		}},
		{"PopMin", false, func(ctx context.Context, o ...option) error { return only(z.With(o...).PopMin(ctx, "k", 1)) }},
		{"PopMax", false, func(ctx context.Context, o ...option) error { return only(z.With(o...).PopMax(ctx, "k", 1)) }},
	}
}

func hashChanges(h *collection.Hash[string, person], hasTTLs bool) []change {
	type option = collection.Option
	changes := []change{
		{"Set", true, func(ctx context.Context, o ...option) error { return h.With(o...).Set(ctx, "k", age.To(2)) }},
		{"Set of nothing", false, func(ctx context.Context, o ...option) error { return h.With(o...).Set(ctx, "k", nick.To(nil)) }},
		{"Incr", true, func(ctx context.Context, o ...option) error {
			var n int
			return h.With(o...).Incr(ctx, "k", age.Into(&n), 1)
		}},
		{"IncrFloat", true, func(ctx context.Context, o ...option) error {
			var n float64
			return h.With(o...).IncrFloat(ctx, "k", weight.Into(&n), 1)
		}},
		{"Remove", false, func(ctx context.Context, o ...option) error { return only(h.With(o...).Remove(ctx, "k", name)) }},
	}
	if hasTTLs {
		changes = append(changes,
			change{"ExpireFields", false, func(ctx context.Context, o ...option) error {
				return only(h.With(o...).ExpireFields(ctx, "k", time.Minute, name))
			}},
			change{"PersistFields", false, func(ctx context.Context, o ...option) error {
				return only(h.With(o...).PersistFields(ctx, "k", name))
			}})
	}
	return changes
}

// A refresh of what is known to be absent or empty carries the marker beside its lease. Every
// write of elements that comes while it loads ends it, and what is known of the key is
// then what it would be without the refresh.
func TestWriteBeatsARefreshOfAMark(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		rdb := env.Client
		z := newSortedSet(t, rdb, config("zset"))
		hasTTLs := env.Mini == nil && knows(t, rdb, "hpexpire")
		refreshes(t, env, "list", codec.List(codec.Text[string]()), []string{"older"}, []string{"newer"}, listChanges(newList(t, rdb, config("list"))))
		refreshes(t, env, "set", codec.Set(codec.Text[string]()), map[string]struct{}{"older": {}}, map[string]struct{}{"newer": {}},
			setChanges(newSet(t, rdb, config("set"))))
		refreshes(t, env, "zset", codec.SortedSet(codec.Text[string]()), []scored{{Elem: "older"}}, []scored{{Elem: "newer"}}, sortedSetChanges(z))
		refreshes(t, env, "person", codec.Codec[person](people), person{Name: "older"}, person{Name: "newer"}, hashChanges(newHash(t, rdb, hashConfig()), hasTTLs))
	})
}

// refreshes refreshes k with each change in the middle, plain and with options, and each
// mark before.
func refreshes[V any](t *testing.T, env *redistest.Env, family string, c codec.Codec[V], older, newer V, changes []change) {
	values := newCache(t, env.Client, family, c)
	key := family + ":k"
	for _, ch := range changes {
		for _, mark := range []string{"N", "E"} {
			for mode, opts := range map[string][]collection.Option{"plain": nil, "IfCached": {collection.IfCached()}, "Renew": {collection.Renew()}} {
				t.Run(family+"/"+ch.name+"/"+mark+"/"+mode, func(t *testing.T) {
					env.FlushAll(t)
					set(t, env.Client, control(key), mark)
					loads := 0
					_, err := values.Refresh(t.Context(), "k", func(ctx context.Context, _ string) (V, error) {
						if loads++; loads > 1 {
							return newer, nil
						}
						do(t, ch.write, opts...)
						wantKnown(t, env.Client, key, ch.makes && (mode != "IfCached" || mark == "E"), mark, mode)
						return older, nil
					})
					if loads != 2 || err != nil {
						t.Errorf("%d loads, want the first one refused and a second one, %v", loads, err)
					}
				})
			}
		}
	}
}

// wantKnown checks what Redis knows of a key that was marked, with a TTL of ten minutes,
// after a write that may have made a value.
func wantKnown(t *testing.T, rdb redis.UniversalClient, key string, made bool, mark, mode string) {
	t.Helper()
	life := 10 * time.Minute
	if mode == "Renew" && mark == "E" || made && mark == "N" {
		life = time.Hour
	}
	switch {
	case made:
		wantNoted(t, rdb, key, "nil")
		wantTTL(t, rdb, key, life)
	case mode == "IfCached" && mark == "N": // as without a lease
		wantNoted(t, rdb, key, "nil")
	default:
		wantNoted(t, rdb, key, mark)
		wantTTL(t, rdb, control(key), life)
	}
}

// The mark of an 18-byte lease has no life of its own: it ends with the lease. A lease with
// anything else behind it is none, and is left alone as what another program has put there.
func TestWriteAndOtherLeases(t *testing.T) {
	eachSubject(t, func(t *testing.T, rdb redis.UniversalClient, s subject) {
		for held, want := range map[string]string{
			lease: "nil", lease + "N": "N", lease + "E": "E", lease + "E1": "nil", lease + "T1:2": "nil",
			lease + "X": lease + "X", lease + "T": lease + "T", lease + "EE": lease + "EE",
		} {
			rdb.Unlink(t.Context(), s.key)
			set(t, rdb, control(s.key), held)
			do(t, s.noop)
			wantNoted(t, rdb, s.key, want)
			if want != "nil" {
				wantTTL(t, rdb, control(s.key), 10*time.Minute)
			}
		}
		for held, want := range map[string]time.Duration{lease + "E": 10 * time.Minute, lease + "N": time.Hour, lease: time.Hour} {
			rdb.Unlink(t.Context(), s.key)
			set(t, rdb, control(s.key), held)
			do(t, s.add)
			wantNoted(t, rdb, s.key, "nil")
			wantTTL(t, rdb, s.key, want)
		}
	})
}

// What a refresh of an absent or empty value has loaded is not stored after a write that
// found nothing.
func TestPopBeatsAnOlderRefresh(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l := newList(t, env.Client, config("list"))
		values := newCache(t, env.Client, "list", codec.List(codec.Text[string]()))
		for what, know := range map[string]func() error{
			"absent": func() error { return values.SetAbsent(t.Context(), "k", cache.TTL(time.Hour)) },
			"empty":  func() error { return values.Set(t.Context(), "k", nil) },
		} {
			if err := know(); err != nil {
				t.Fatal(err)
			}
			source := []string{"a"}
			_, err := values.Refresh(t.Context(), "k", func(ctx context.Context, _ string) ([]string, error) {
				read := source
				source = nil
				if got, err := l.PopFront(ctx, "k", 1); len(got) > 0 || err != nil {
					t.Errorf("PopFront = %q, %v", got, err)
				}
				return read, nil
			})
			got, _, after := values.Get(t.Context(), "k")
			if len(got) > 0 || err != nil || after != nil {
				t.Errorf("%s: after a pop and a refresh that began before, the value is %q, %v, %v", what, got, err, after)
			}
		}
	})
}
