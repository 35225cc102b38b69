package collection_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

type person struct {
	Name   string  `redis:"name"`
	Age    int     `redis:"age"`
	Small  int8    `redis:"small"`
	Weight float64 `redis:"weight"`
	Nick   *string `redis:"nick"`
}

var (
	people = hashmap.MustOf[person](hashmap.MissingFieldsAreZero()) // as hashes are written in part

	name   = cache.Must(hashmap.FieldOf[string](people, "name"))
	age    = cache.Must(hashmap.FieldOf[int](people, "age"))
	small  = cache.Must(hashmap.FieldOf[int8](people, "small"))
	weight = cache.Must(hashmap.FieldOf[float64](people, "weight"))
	nick   = cache.Must(hashmap.FieldOf[*string](people, "nick"))
)

func hashConfig() collection.HashConfig[string, person] {
	return collection.HashConfig[string, person]{Name: "person", Mapping: people, TTL: time.Hour, Jitter: -1, RedisTimeout: longTimeout}
}

func newHash(t testing.TB, rdb redis.UniversalClient, cfg collection.HashConfig[string, person]) *collection.Hash[string, person] {
	t.Helper()
	h, err := collection.NewHash(rdb, cfg)
	return opened(t, h, err)
}

// Each method does and says what the Redis command does and says.
func TestHashIsRedis(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		h := newHash(t, env.Client, hashConfig())
		random(t, env, "person", []any{"hgetall"}, false, func(p *pair, r *rand.Rand) {
			ctx, key := t.Context(), p.name()
			wrote := true
			switch r.IntN(7) {
			case 0, 1:
				n, a := pick(r), r.IntN(100)
				if err := h.Set(ctx, key, name.To(n), age.To(a)); err != nil {
					t.Fatal(err)
				}
				raw(t, env.Client, "hset", p.twin, "name", n, "age", a)
			case 2: // a nil pointer is no field
				var n *string
				if r.IntN(2) == 0 {
					text := pick(r)
					n = &text
					raw(t, env.Client, "hset", p.twin, "nick", text)
				} else {
					raw(t, env.Client, "hdel", p.twin, "nick")
				}
				if err := h.Set(ctx, key, nick.To(n)); err != nil {
					t.Fatal(err)
				}
			case 3:
				var got int
				by := int64(r.IntN(9) - 4)
				err := h.Incr(ctx, key, age.Into(&got), by)
				p.same("Incr", got, err, "hincrby", "age", by)
			case 4:
				var got float64
				by := float64(r.IntN(9)-4) / 4
				err := h.IncrFloat(ctx, key, weight.Into(&got), by)
				p.same("IncrFloat", got, err, "hincrbyfloat", "weight", by)
			case 5:
				n, err := h.Remove(ctx, key, name, nick)
				p.same("Remove", n, err, "hdel", "name", "nick")
			case 6:
				gotName, gotAge, gotNick := "before", -1, new("before")
				_, err := h.Get(ctx, key, name.Into(&gotName), age.Into(&gotAge), nick.Into(&gotNick))
				if err != nil {
					t.Fatal(err)
				}
				p.sameFields([]string{"name", "age", "nick"}, gotName, strconv.Itoa(gotAge), gotNick)
				wrote = false
			}
			p.check(wrote)
		})
	})
}

// sameFields checks what fields of the twin hold, with zero for one that is not there.
func (p *pair) sameFields(fields []string, name, age string, nick *string) {
	p.t.Helper()
	want := raw(p.t, p.rdb, anys([]any{"hmget", p.twin}, fields)...)
	got := say{name, age, "nil"}
	if nick != nil {
		got[2] = *nick
	}
	for i, zero := range []string{"", "0"} {
		if want[i] == "nil" {
			want[i] = zero
		}
	}
	if !slices.Equal(got, want) {
		p.t.Fatalf("Get = %q, and Redis says %q, after %v", got, want, p.log)
	}
}

// Get counts the fields that are there, sets all others to zero, and reads the rest
// where one is broken.
func TestHashGet(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		h := newHash(t, env.Client, hashConfig())
		raw(t, env.Client, "hset", "person:k", "name", "Ann", "age", "no number", "weight", "1.5")
		gotName, gotAge, gotWeight, gotSmall := "before", 7, 7.0, int8(7)
		n, err := h.Get(t.Context(), "k", name.Into(&gotName), age.Into(&gotAge), weight.Into(&gotWeight), small.Into(&gotSmall))
		var failed *collection.ElementsError
		if n != 3 || !errors.Is(err, cache.ErrDecode) || !errors.As(err, &failed) || len(failed.Errs) != 1 || failed.Errs[1] == nil {
			t.Errorf("Get = %d, %v", n, err)
		}
		if gotName != "Ann" || gotAge != 0 || gotWeight != 1.5 || gotSmall != 0 {
			t.Errorf("Get has read %q, %d, %v, %d", gotName, gotAge, gotWeight, gotSmall)
		}
	})
}

// The later of two assignments of one field holds, also where it removes the field.
func TestHashSetsTheLatest(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		h := newHash(t, env.Client, hashConfig())
		text := "Nan"
		for _, tt := range []struct {
			what     string
			assigned []codec.FieldAppender[person]
			want     string
		}{
			{"set then removed", []codec.FieldAppender[person]{nick.To(&text), nick.To(nil)}, "nil"},
			{"removed then set", []codec.FieldAppender[person]{nick.To(nil), nick.To(&text)}, "Nan"},
		} {
			if err := h.Set(t.Context(), "k", tt.assigned...); err != nil {
				t.Fatal(err)
			}
			if got := raw(t, env.Client, "hget", "person:k", "nick"); got[0] != tt.want {
				t.Errorf("%s: the field is %q", tt.what, got)
			}
		}
	})
}

// Load and Store are those of a cache with the same mapping.
func TestHashWhole(t *testing.T) {
	type sparse struct {
		Name string `redis:"name,omitempty"`
	}
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		h, err := collection.NewHash(env.Client, collection.HashConfig[string, sparse]{Name: "sparse", Mapping: hashmap.MustOf[sparse](), TTL: time.Hour})
		h = opened(t, h, err)
		wantLoad := func(what string, want sparse, wantOK bool) {
			t.Helper()
			if v, ok, err := h.Load(t.Context(), "k"); v != want || ok != wantOK || err != nil {
				t.Errorf("%s: Load = %+v, %v, %v", what, v, ok, err)
			}
		}
		wantLoad("nothing", sparse{}, false)
		for _, v := range []sparse{{"Ann"}, {}} {
			if err := h.Store(t.Context(), "k", v); err != nil {
				t.Fatal(err)
			}
			wantLoad("stored", v, true)
		}
		raw(t, env.Client, "set", control("sparse:k"), "N")
		wantLoad("absent", sparse{}, false)
		raw(t, env.Client, "set", "sparse:k", "a string")
		if _, _, err := h.Load(t.Context(), "k"); !errors.Is(err, collection.ErrWrongType) {
			t.Errorf("Load of a string: %v", err)
		}
		if err := h.Store(t.Context(), "k", sparse{"Bob"}); err != nil {
			t.Error(err)
		}
		wantLoad("replaced", sparse{"Bob"}, true)
	})
}

// A result that the field's type cannot hold is an error after the change.
func TestHashIncrBeyondTheType(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		h := newHash(t, env.Client, hashConfig())
		var got int8
		if err := h.Incr(t.Context(), "k", small.Into(&got), 127); err != nil || got != 127 {
			t.Fatalf("Incr: %d, %v", got, err)
		}
		if err := h.Incr(t.Context(), "k", small.Into(&got), 1); !errors.Is(err, cache.ErrDecode) || got != 0 {
			t.Errorf("Incr beyond the type: %d, %v", got, err)
		}
		if now := raw(t, env.Client, "hget", "person:k", "small"); now[0] != "128" {
			t.Errorf("the field is %q", now)
		}
		if err := h.Incr(t.Context(), "k", name.Into(new(string)), 1); err != nil {
			t.Errorf("Incr of a field that is not there: %v", err)
		}
		raw(t, env.Client, "hset", "person:k", "name", "Ann")
		if err := h.Incr(t.Context(), "k", name.Into(new(string)), 1); !errors.Is(err, cache.ErrRedis) {
			t.Errorf("Incr of a text: %v", err)
		}
		for _, by := range []float64{math.NaN(), math.Inf(1)} {
			if err := h.IncrFloat(t.Context(), "k", weight.Into(new(float64)), by); !errors.Is(err, cache.ErrEncode) {
				t.Errorf("IncrFloat by %v: %v", by, err)
			}
		}
	})
}

// Fields have TTLs of their own where the server knows that, and elsewhere the error
// says which servers do.
func TestHashFieldTTL(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		h := newHash(t, env.Client, hashConfig())
		if err := h.Set(t.Context(), "k", name.To("Ann"), age.To(7)); err != nil {
			t.Fatal(err)
		}
		set(t, env.Client, control("person:k"), lease)
		n, err := h.ExpireFields(t.Context(), "k", time.Minute, name, nick)
		if env.Mini != nil || !knows(t, env.Client, "hpexpire") {
			var old *collection.UnsupportedError
			if !errors.Is(err, collection.ErrUnsupported) || !errors.As(err, &old) || old.Command != "hpexpire" {
				t.Errorf("ExpireFields where there is none: %v", err)
			}
			if env.Mini != nil {
				return // it lacks only the one
			}
			if _, _, err := h.FieldTTL(t.Context(), "k", name); !errors.Is(err, collection.ErrUnsupported) {
				t.Errorf("FieldTTL where there is none: %v", err)
			}
			if _, err := h.PersistFields(t.Context(), "k", name); !errors.Is(err, collection.ErrUnsupported) {
				t.Errorf("PersistFields where there is none: %v", err)
			}
			return
		}
		if n != 1 || err != nil {
			t.Fatalf("ExpireFields of one field that is there = %d, %v", n, err)
		}
		wantNoted(t, env.Client, "person:k", "nil")
		wantTTL := func(what string, f codec.Field[person], least, most time.Duration, wantOK bool) {
			t.Helper()
			if ttl, ok, err := h.FieldTTL(t.Context(), "k", f); ttl < least || ttl > most || ok != wantOK || err != nil {
				t.Errorf("%s: FieldTTL = %v, %v, %v", what, ttl, ok, err)
			}
		}
		wantTTL("a minute", name, time.Second, time.Minute, true)
		wantTTL("none of its own", age, collection.Forever, collection.Forever, true)
		wantTTL("no field", nick, 0, 0, false)
		if n, err := h.PersistFields(t.Context(), "k", name, age); n != 1 || err != nil {
			t.Errorf("PersistFields = %d, %v", n, err)
		}
		wantTTL("taken away", name, collection.Forever, collection.Forever, true)
		if ttl, ok, err := h.FieldTTL(t.Context(), "missing", name); ttl != 0 || ok || err != nil {
			t.Errorf("FieldTTL of no hash = %v, %v, %v", ttl, ok, err)
		}
	})
	h := newHash(t, redistest.Mini(t).Client, hashConfig())
	if _, err := h.ExpireFields(t.Context(), "k", time.Microsecond, name); err == nil {
		t.Error("ExpireFields after a microsecond gives no error")
	}
}

// knows reports whether the server has a command.
func knows(t *testing.T, rdb redis.UniversalClient, command string) bool {
	v, err := rdb.Do(t.Context(), "command", "info", command).Slice()
	return err == nil && len(v) == 1 && v[0] != nil
}

// Fields that a collection cannot use are refused before Redis is asked.
func TestHashRefusesFields(t *testing.T) {
	h := newHash(t, redistest.Mini(t).Client, hashConfig())
	other := cache.Must(hashmap.FieldOf[string](hashmap.MustOf[person](), "name"))
	for what, f := range map[string]hashmap.Field[person, string]{"of another mapping": other, "that is zero": {}} {
		calls := map[string]func() error{
			"Get":      func() error { _, err := h.Get(t.Context(), "k", f.Into(new(string))); return err },
			"Set":      func() error { return h.Set(t.Context(), "k", f.To("v")) },
			"Incr":     func() error { return h.Incr(t.Context(), "k", f.Into(new(string)), 1) },
			"Remove":   func() error { _, err := h.Remove(t.Context(), "k", f); return err },
			"FieldTTL": func() error { _, _, err := h.FieldTTL(t.Context(), "k", f); return err },
		}
		for name, call := range calls {
			var e *cache.Error
			if err := call(); !errors.As(err, &e) || e.Kind != nil {
				t.Errorf("%s of a field %s: %v", name, what, err)
			}
		}
	}
	if _, err := h.Get(t.Context(), "k", name.Into(nil)); err == nil {
		t.Error("Get into nil gives no error")
	}
	if _, err := h.Get(t.Context(), "k", nil); err == nil {
		t.Error("Get of a nil field gives no error")
	}
}
