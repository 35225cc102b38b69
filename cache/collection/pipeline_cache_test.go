package collection_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

func newCache[V any](t testing.TB, rdb redis.UniversalClient, name string, c codec.Codec[V]) *cache.Cache[string, V] {
	t.Helper()
	values, err := cache.New(rdb, cache.Config[string, V]{Name: name, Codec: c, TTL: time.Hour, RedisTimeout: longTimeout})
	return opened(t, values, err)
}

// Whatever scripts the servers know, operations of a cache and of a collection on one key
// are carried out in their order, and each read sees exactly the writes before it.
func TestPipelineOrderOfCachesAndCollections(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l, c := newList(t, env.Client, config("list")), newCache(t, env.Client, "list", codec.List(codec.Text[string]()))
		large := slices.Repeat([]string{"x"}, 3000) // is staged
		r := rand.New(rand.NewPCG(1, 2))
		model := map[string]collection.Found[[]string]{}
		for round := range 12 {
			flushScripts(t, env.Client)
			switch round % 3 { // one master learns one of the scripts
			case 1:
				if _, err := l.PushBack(t.Context(), strconv.Itoa(r.IntN(5))+"-warm", "a"); err != nil {
					t.Fatal(err)
				}
			case 2:
				if _, err := c.Touch(t.Context(), strconv.Itoa(r.IntN(5))+"-warm"); err != nil {
					t.Fatal(err)
				}
			}
			var p collection.Pipeline
			var checks []func()
			check := func(f *collection.Future[collection.Found[[]string]], wanted collection.Found[[]string]) {
				checks = append(checks, func() { want(t, "Get", f, wanted) })
			}
			for i := range 40 {
				key, text := strconv.Itoa(r.IntN(5)), fmt.Sprint(round, i)
				was := model[key]
				switch r.IntN(9) {
				case 0:
					l.In(&p).PushBack(key, text)
					model[key] = collection.Found[[]string]{Value: append(slices.Clone(was.Value), text), OK: true}
				case 1:
					c.In(&p).Delete(key)
					delete(model, key)
				case 2:
					c.In(&p).Set(key, []string{text})
					model[key] = collection.Found[[]string]{Value: []string{text}, OK: true}
				case 3:
					c.In(&p).Set(key, nil)
					model[key] = collection.Found[[]string]{Value: []string{}, OK: true}
				case 4:
					c.In(&p).Set(key, large)
					model[key] = collection.Found[[]string]{Value: large, OK: true}
				case 5:
					c.In(&p).SetAbsent(key)
					delete(model, key)
				case 6:
					stored := c.In(&p).SetIfAbsent(key, []string{text})
					checks = append(checks, func() { want(t, "SetIfAbsent", stored, !was.OK) })
					if !was.OK {
						model[key] = collection.Found[[]string]{Value: []string{text}, OK: true}
					}
				case 7:
					touched := c.In(&p).Touch(key)
					checks = append(checks, func() { want(t, "Touch", touched, was.OK) })
				case 8:
					length := l.In(&p).Len(key)
					checks = append(checks, func() { want(t, "Len", length, len(was.Value)) })
				}
				check(c.In(&p).Get(key), model[key])
			}
			if err := p.Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, check := range checks {
				check()
			}
		}
	})
}

// A hash is read by fields and as a whole, by a cache and by a collection.
func TestPipelineOfHashes(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		h, c := newHash(t, env.Client, hashConfig()), newCache(t, env.Client, "person", codec.Codec[person](people))
		ann := person{Name: "Ann", Age: 41}
		for what, exec := range map[string]func(*collection.Pipeline, context.Context) error{
			"Exec": (*collection.Pipeline).Exec, "ExecAtomic": (*collection.Pipeline).ExecAtomic,
		} {
			var p collection.Pipeline
			var years, none int
			var alias *string
			h.In(&p).Delete("{t}")
			nobody := h.In(&p).Load("{t}")
			missing := c.In(&p).GetFields("{t}", age.Into(&none))
			h.In(&p).Store("{t}", ann)
			found := c.In(&p).GetFields("{t}", age.Into(&years), nick.Into(&alias))
			whole := h.In(&p).Load("{t}")
			other := c.In(&p).GetFields("{t}", nick.Into(&alias)) // the hash has no such field
			h.In(&p).Remove("{t}", name, age, small, weight)
			empty := c.In(&p).GetFields("{t}", age.Into(&none))
			c.In(&p).SetAbsent("{t}")
			absent := c.In(&p).GetFields("{t}", age.Into(&none))
			if err := exec(&p, t.Context()); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			want(t, "Load of nothing", nobody, collection.Found[person]{})
			want(t, "GetFields of nothing", missing, false)
			want(t, "GetFields", found, true)
			want(t, "Load", whole, collection.Found[person]{Value: ann, OK: true})
			want(t, "GetFields of a field that is not there", other, true)
			want(t, "GetFields of an empty hash", empty, true)
			want(t, "GetFields of what the source has not", absent, false)
			if years != 41 || alias != nil || none != 0 {
				t.Errorf("%s: the fields are %d, %v and %d", what, years, alias, none)
			}
		}
		raw(t, env.Client, "del", "person:{t}", "aside:{t}person:{t}")
		raw(t, env.Client, "hset", "person:{t}", "age", "no number")
		var p collection.Pipeline
		broken := c.In(&p).GetFields("{t}", age.Into(new(int)))
		if err := p.Exec(t.Context()); err != nil {
			t.Error(err)
		}
		want(t, "GetFields of what is broken", broken, false)
		if n := c.Stats().Broken; n != 1 {
			t.Errorf("%d broken entries were counted", n)
		}
		raw(t, env.Client, "set", "person:{t}", "a string")
		wrong, read := c.In(&p).GetFields("{t}", age.Into(new(int))), h.In(&p).Load("{t}")
		if err := p.Exec(t.Context()); !errors.Is(err, collection.ErrWrongType) {
			t.Errorf("Exec: %v", err)
		}
		want(t, "GetFields of a string", wrong, false)
		if _, err := read.Result(); !errors.Is(err, collection.ErrWrongType) {
			t.Errorf("Load of a string: %v", err)
		}
		if none := c.In(&p).GetFields("{t}"); p.Exec(t.Context()) == nil {
			t.Errorf("GetFields of no field: %v", none)
		}
	})
}

// Caches of two clients do not go together, nor one that is closed.
func TestPipelineOfCachesMisused(t *testing.T) {
	env := redistest.Mini(t)
	text := codec.Codec[string](codec.Text[string]())
	c, other, l := newCache(t, env.Client, "a", text), newCache(t, env.NewClient(t), "b", text), newList(t, env.Client, config("list"))
	var p collection.Pipeline
	pushed, set := l.In(&p).PushBack("k", "x"), other.In(&p).Set("k", "v")
	if err := p.Exec(t.Context()); err == nil || !strings.Contains(err.Error(), "one client") || !strings.Contains(err.Error(), "b") {
		t.Errorf("Exec with two clients: %v", err)
	}
	for _, err := range []error{second(pushed.Result()), second(set.Result())} {
		if err == nil {
			t.Error("Exec with two clients gives no error to a future")
		}
	}
	got := c.In(&p).Get("k")
	if _, err := got.Result(); err == nil {
		t.Error("a result before Exec")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Exec(t.Context()); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Exec with a closed cache: %v", err)
	}
	late := c.In(&p).Set("k", "v")
	if _, err := late.Result(); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Set of a closed cache: %v", err)
	}
	if err := p.ExecAtomic(t.Context()); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("ExecAtomic with a closed cache: %v", err)
	}
	if keys := env.Keys(t); len(keys) > 0 {
		t.Errorf("there is %q", keys)
	}
}

// A value is what it was when it was queued.
func TestPipelineEncodesAtOnce(t *testing.T) {
	env := redistest.Mini(t)
	c := newCache(t, env.Client, "list", codec.List(codec.Text[string]()))
	v := []string{"a"}
	var p collection.Pipeline
	c.In(&p).Set("k", v)
	v[0] = "b"
	got := c.In(&p).Get("k")
	if err := p.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, "Get", got, collection.Found[[]string]{Value: []string{"a"}, OK: true})
	if e, err := c.Entry(t.Context(), "k"); err != nil || !reflect.DeepEqual(e.Value, []string{"a"}) {
		t.Errorf("Entry = %+v, %v", e, err)
	}
}
