package cache_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

// The structs of a running version of a program, and of one that is being deployed.
type (
	runningUser struct {
		Name string `redis:"name"`
		Tags []runningTag
	}
	runningTag struct{ Text string }

	addedUser struct { // has one field more
		Name   string `redis:"name"`
		Tags   []runningTag
		Credit int `redis:"credit"`
	}
	renamedUser struct {
		Title string `redis:"title"`
		Tags  []runningTag
	}
	nestedUser struct {
		Name string `redis:"name"`
		Tags []colouredTag
	}
	colouredTag struct{ Text, Colour string }
)

var (
	running = runningUser{"Ann", []runningTag{{"a"}}}
	added   = addedUser{"Ann", []runningTag{{"a"}}, 7}
	renamed = renamedUser{"Ann", []runningTag{{"a"}}}
	deeper  = nestedUser{"Ann", []colouredTag{{"a", "red"}}}
)

// A program is one version of a program, with a cache of the name that all have.
type program[V any] struct {
	*cache.Cache[string, V]
	rec   recorder
	value V // at the source
	loads int
}

func deploy[V any](t *testing.T, env *redistest.Env, c codec.Codec[V], v V) *program[V] {
	t.Helper()
	p := &program[V]{value: v}
	cfg := cache.Config[string, V]{Name: "user", Codec: c, Observer: p.rec.observer()}
	p.Cache = open(t, env.NewClient(t), cfg)
	return p
}

func (p *program[V]) load(context.Context, string) (V, error) {
	p.loads++
	return p.value, nil
}

// reads checks that a GetOrSet gives what the source has, after so many loads of the program.
func (p *program[V]) reads(t *testing.T, loads int) {
	t.Helper()
	v, err := p.GetOrSet(t.Context(), "k", p.load)
	if err != nil || !reflect.DeepEqual(v, p.value) || p.loads != loads {
		t.Errorf("a %T is read as %+v, %v after %d loads; want %+v after %d", v, v, err, p.loads, p.value, loads)
	}
}

// forms runs a test with each form in which structs are stored: the old one's and the new one's.
func forms[Old, New any](t *testing.T, test func(t *testing.T, env *redistest.Env, was codec.Codec[Old], is codec.Codec[New])) {
	for name, pair := range map[string]struct {
		was codec.Codec[Old]
		is  codec.Codec[New]
	}{
		"msgpack":    {codec.Msgpack[Old](), codec.Msgpack[New]()},
		"json":       {codec.JSON[Old](), codec.JSON[New]()},
		"compressed": {codec.Compress(codec.JSON[Old](), codec.S2, 0), codec.Compress(codec.JSON[New](), codec.S2, 0)},
		"hash":       {hashmap.MustOf[Old](hashmap.UseTag("json")), hashmap.MustOf[New](hashmap.UseTag("json"))},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) { test(t, env, pair.was, pair.is) })
		})
	}
}

// A field that is added: the new program loads once, and the old one reads what that stores.
func TestG13AnAddedFieldConverges(t *testing.T) {
	forms(t, func(t *testing.T, env *redistest.Env, was codec.Codec[runningUser], is codec.Codec[addedUser]) {
		before, after := deploy(t, env, was, running), deploy(t, env, is, added)
		before.reads(t, 1)
		for range 3 {
			after.reads(t, 1)
			before.reads(t, 1)
		}
		s := after.Stats()
		if s.Outdated != 1 || s.Misses != 1 || s.Hits != 2 || s.Broken != 0 || s.LoadStores != 1 {
			t.Errorf("of the new program %+v", s)
		}
		if s := before.Stats(); s.Outdated != 0 || s.Misses != 1 {
			t.Errorf("of the old program %+v", s)
		}
		e := after.rec.take()
		if len(e.errors) != 0 || len(e.lookups) != 3 || !e.lookups[0].Outdated || e.lookups[0].State != cache.Missing ||
			e.lookups[1].Outdated {
			t.Errorf("the observer heard of %+v, %v", e.lookups, e.errors)
		}
	})
}

// A field that is renamed: each program finds the other's entries outdated. No one reads a zero.
func TestG13ARenamedFieldIsNeverReadAsZero(t *testing.T) {
	forms(t, func(t *testing.T, env *redistest.Env, was codec.Codec[runningUser], is codec.Codec[renamedUser]) {
		before, after := deploy(t, env, was, running), deploy(t, env, is, renamed)
		for n := range 3 {
			before.reads(t, n+1)
			after.reads(t, n+1)
		}
		if s := after.Stats(); s.Outdated != 3 {
			t.Errorf("of the new program %+v", s)
		}
	})
}

// A field that is removed: the old program loads once, and the new one reads what that stores.
func TestG13ARemovedFieldConverges(t *testing.T) {
	forms(t, func(t *testing.T, env *redistest.Env, was codec.Codec[addedUser], is codec.Codec[runningUser]) {
		before, after := deploy(t, env, was, added), deploy(t, env, is, running)
		after.reads(t, 1)
		for range 3 {
			before.reads(t, 1)
			after.reads(t, 1)
		}
	})
}

// A field that is added to the structs in a slice.
func TestG13AFieldAddedInASliceConverges(t *testing.T) {
	forms(t, func(t *testing.T, env *redistest.Env, was codec.Codec[runningUser], is codec.Codec[nestedUser]) {
		before, after := deploy(t, env, was, running), deploy(t, env, is, deeper)
		before.reads(t, 1)
		for range 3 {
			after.reads(t, 1)
			before.reads(t, 1)
		}
	})
}

// All that reads without a load misses an outdated entry, and leaves it alone.
func TestG13OutdatedEntriesAreMissing(t *testing.T) {
	forms(t, func(t *testing.T, env *redistest.Env, was codec.Codec[runningUser], is codec.Codec[addedUser]) {
		before, after := deploy(t, env, was, running), deploy(t, env, is, added)
		before.reads(t, 1)
		wantGet(t, after.Cache, "k", nil)
		wantState(t, after.Cache, "k", cache.Missing)
		many, err := after.GetMany(t.Context(), []string{"k", "other"})
		if len(many) != 0 || err != nil {
			t.Errorf("GetMany = %v, %v", many, err)
		}
		var p collection.Pipeline
		got, entry := after.In(&p).Get("k"), after.In(&p).Entry("k")
		if err := p.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if f, err := got.Result(); f.OK || err != nil {
			t.Errorf("Get in a pipeline = %+v, %v", f, err)
		}
		if e, err := entry.Result(); e.State != cache.Missing || err != nil {
			t.Errorf("Entry in a pipeline = %+v, %v", e, err)
		}
		e := after.rec.take()
		outdated := 0
		for _, l := range e.lookups {
			if l.Outdated {
				outdated++
			}
		}
		if s := after.Stats(); s.Outdated != 5 || outdated != 5 || s.Misses != 6 || s.Broken != 0 || len(e.errors) != 0 {
			t.Errorf("%+v, %d lookups found an outdated entry, errors %v", s, outdated, e.errors)
		}
		before.reads(t, 1) // it is still there
	})
}

// A batch loads outdated entries with those that are missing, in one call.
func TestG13BatchesLoadOutdatedEntries(t *testing.T) {
	forms(t, func(t *testing.T, env *redistest.Env, was codec.Codec[runningUser], is codec.Codec[addedUser]) {
		before, after := deploy(t, env, was, running), deploy(t, env, is, added)
		if err := before.SetMany(t.Context(), map[string]runningUser{"a": running, "b": running}); err != nil {
			t.Fatal(err)
		}
		keys := []string{"a", "b", "c"}
		var asked [][]string
		load := func(_ context.Context, keys []string) (map[string]addedUser, error) {
			asked = append(asked, keys)
			return map[string]addedUser{"a": added, "b": added, "c": added}, nil
		}
		for range 2 {
			got, err := after.GetOrSetMany(t.Context(), keys, load)
			if want := (map[string]addedUser{"a": added, "b": added, "c": added}); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("GetOrSetMany = %+v, %v", got, err)
			}
		}
		if len(asked) != 1 || len(asked[0]) != 3 {
			t.Errorf("loaded were %v, want all keys once", asked)
		}
		if s := after.Stats(); s.Outdated != 2 || s.Misses != 3 || s.LoadStores != 3 || s.Broken != 0 {
			t.Errorf("%+v", s)
		}
		got, err := before.GetMany(t.Context(), keys)
		if want := (map[string]runningUser{"a": running, "b": running, "c": running}); err != nil || !maps.EqualFunc(got, want, func(a, b runningUser) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("the old program reads %+v, %v", got, err)
		}
	})
}

// An outdated entry does not say that the codec is broken: what is stored is not decoded again.
func TestG13OutdatedEntriesBeginNoTrial(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		before := deploy(t, env, codec.Codec[runningUser](codec.Msgpack[runningUser]()), running)
		decodes := countingCodec[addedUser]{Codec: codec.Msgpack[addedUser](), decodes: new(int)}
		after := deploy(t, env, codec.Codec[addedUser](decodes), added)
		for i := range 8 { // which uses up the trial of a new cache
			if err := after.Set(t.Context(), fmt.Sprint(i), added); err != nil {
				t.Fatal(err)
			}
		}
		before.reads(t, 1)
		*decodes.decodes = 0
		wantGet(t, after.Cache, "k", nil)
		if err := after.Set(t.Context(), "k", added); err != nil || *decodes.decodes != 1 {
			t.Errorf("Set: %v after %d decodes, want only that of Get", err, *decodes.decodes)
		}
	})
}

type countingCodec[V any] struct {
	codec.Codec[V]
	decodes *int
}

func (c countingCodec[V]) Decode(w *codec.Wire, v *V) error {
	*c.decodes++
	return c.Codec.Decode(w, v)
}

// Fields that are asked for and always stored make a hash without them a miss.
func TestG13GetFieldsMissesOutdatedHashes(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		is := hashmap.MustOf[addedUser](hashmap.UseTag("json"))
		before := deploy(t, env, codec.Codec[runningUser](hashmap.MustOf[runningUser](hashmap.UseTag("json"))), running)
		after := deploy(t, env, codec.Codec[addedUser](is), added)
		name := cache.Must(hashmap.FieldOf[string](is, "name"))
		credit := cache.Must(hashmap.FieldOf[int](is, "credit"))
		before.reads(t, 1)
		for _, into := range [][]codec.FieldReader[addedUser]{
			{name.Into(new(string)), credit.Into(new(int))}, {credit.Into(new(int))},
		} {
			ok, err := after.GetFields(t.Context(), "k", nil, into...)
			if ok || err != nil {
				t.Errorf("GetFields without a load = %v, %v", ok, err)
			}
			var p collection.Pipeline
			future := after.In(&p).GetFields("k", into...)
			if err := p.Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			if ok, err := future.Result(); ok || err != nil {
				t.Errorf("GetFields in a pipeline = %v, %v", ok, err)
			}
		}
		var n string
		var c int
		if ok, err := after.GetFields(t.Context(), "k", nil, name.Into(&n)); !ok || err != nil || n != "Ann" {
			t.Errorf("GetFields of what is there = %v, %v, %q", ok, err, n)
		}
		for range 2 {
			if ok, err := after.GetFields(t.Context(), "k", after.load, name.Into(&n), credit.Into(&c)); !ok || err != nil || c != 7 || after.loads != 1 {
				t.Errorf("GetFields = %v, %v, %q, %d after %d loads", ok, err, n, c, after.loads)
			}
		}
		if s := after.Stats(); s.Outdated != 5 || s.Broken != 0 || len(after.rec.take().errors) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// The elements of a list: the whole is missing for a cache, the element an error for a List.
func TestG13ElementsOfLists(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		was, is := []runningTag{{"a"}, {"b"}}, []colouredTag{{"a", "red"}, {"b", "red"}}
		before := deploy(t, env, codec.List(codec.Msgpack[runningTag]()), was)
		after := deploy(t, env, codec.List(codec.Msgpack[colouredTag]()), is)
		before.reads(t, 1)
		list, err := collection.NewList(env.NewClient(t), collection.Config[string, colouredTag]{Name: "user", Value: codec.Msgpack[colouredTag](), TTL: cache.Forever})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := list.Range(t.Context(), "k", 0, -1); !errors.Is(err, codec.ErrOutdated) || !errors.Is(err, cache.ErrDecode) {
			t.Errorf("Range: %v, want an ErrDecode for ErrOutdated", err)
		}
		after.reads(t, 1)
		before.reads(t, 1)
		after.reads(t, 1)
		if got, err := list.Range(t.Context(), "k", 0, -1); err != nil || !reflect.DeepEqual(got, is) {
			t.Errorf("Range = %v, %v", got, err)
		}
	})
}

// A Hash that is outdated is not there for Load, nor for a cache that shares its keys.
func TestG13HashesWrittenInPart(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		m := hashmap.MustOf[addedUser](hashmap.UseTag("json"))
		h, err := collection.NewHash(env.Client, collection.HashConfig[string, addedUser]{Name: "user", Mapping: m, TTL: cache.Forever})
		if err != nil {
			t.Fatal(err)
		}
		name := cache.Must(hashmap.FieldOf[string](m, "name"))
		if err := h.Set(t.Context(), "k", name.To("Bob")); err != nil {
			t.Fatal(err)
		}
		if v, ok, err := h.Load(t.Context(), "k"); ok || err != nil {
			t.Errorf("Load = %+v, %v, %v", v, ok, err)
		}
		p := deploy(t, env, codec.Codec[addedUser](m), added)
		p.reads(t, 1)
		p.reads(t, 1)
	})
}
