package servertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// persons is the codec whose fields these tests read.
var persons = hashmap.MustOf[person]()

var (
	idField   = cache.Must(hashmap.FieldOf[int64](persons, "id"))
	nameField = cache.Must(hashmap.FieldOf[string](persons, "name"))
	rankField = cache.Must(hashmap.FieldOf[float64](persons, "rank"))
	oldField  = cache.Must(hashmap.FieldOf[bool](persons, "old"))
)

// A fieldBench is what a test of GetFields works with.
type fieldBench struct {
	*bench[person]
	*cache.Cache[string, person]
	recorder *cachetest.Recorder
}

// eachWithFields runs a test on every server, with leases and without.
func eachWithFields(t *testing.T, test func(t *testing.T, b fieldBench)) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for name, lease := range map[string]time.Duration{"leases": 0, "no leases": cache.Off} {
			t.Run(name, func(t *testing.T) {
				env.FlushAll(t)
				var r cachetest.Recorder
				c := testcache.Open(t, env.Client, cache.Config[string, person]{Codec: persons, Lease: lease, Jitter: -1, Observer: r.Observer()})
				test(t, fieldBench{&bench[person]{fixture[person]{codec: persons}, env, env.Client, "test"}, c, &r})
			})
		}
	})
}

// dirty is what the variables hold before a read.
var dirty = person{ID: -1, Name: "dirty", Rank: -1, Old: true}

// fields reads all fields, or those that are named, into a person.
func (b fieldBench) fields(t testing.TB, load func(context.Context, string) (person, error), names ...string) (person, bool, error) {
	t.Helper()
	p := dirty
	all := map[string]codec.FieldReader[person]{
		"id": idField.Into(&p.ID), "name": nameField.Into(&p.Name), "rank": rankField.Into(&p.Rank), "old": oldField.Into(&p.Old),
	}
	var into []codec.FieldReader[person]
	for _, name := range names {
		into = append(into, all[name])
	}
	ok, err := b.GetFields(t.Context(), "k", load, into...)
	return p, ok, err
}

func (b fieldBench) want(t testing.TB, what string, load func(context.Context, string) (person, error), wanted person, names ...string) {
	t.Helper()
	p, ok, err := b.fields(t, load, names...)
	testcache.Want(t, what, p, err, wanted)
	if !ok {
		t.Errorf("%s: ok is false", what)
	}
}

func (b fieldBench) set(t testing.TB, p person) {
	t.Helper()
	if err := b.Set(t.Context(), "k", p); err != nil {
		t.Fatal(err)
	}
}

var everyField = []string{"id", "name", "rank", "old"}

func TestGetFieldsOfAHit(t *testing.T) {
	eachWithFields(t, func(t *testing.T, b fieldBench) {
		for name, load := range map[string]func(context.Context, string) (person, error){"no loader": nil, "a loader": testcache.Never[person](t)} {
			b.set(t, ann)
			b.recorder.Reset()
			b.want(t, name+": all", load, ann, everyField...)
			b.want(t, name+": one", load, person{ID: -1, Name: "Ann", Rank: -1, Old: true}, "name")
			b.set(t, bob)
			b.want(t, name+": some are left out", load, bob, everyField...)
			b.want(t, name+": all are left out", load, person{ID: -1, Name: "dirty"}, "rank", "old")
			b.set(t, person{})
			b.want(t, name+": an empty entry", load, person{}, everyField...)
			for _, e := range b.recorder.Lookups() {
				if e.State != cache.Present || e.Key != "test:k" {
					t.Errorf("%s: the observer was told of %+v", name, e)
				}
			}
		}
		if s := b.Stats(); s.Misses != 0 || s.Loads != 0 || s.Hits != 10 {
			t.Errorf("Stats = %+v, want 10 hits", s)
		}
	})
}

func TestGetFieldsOfAMiss(t *testing.T) {
	eachWithFields(t, func(t *testing.T, b fieldBench) {
		for _, v := range []person{ann, bob, {}} {
			if err := b.Delete(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			if p, ok, err := b.fields(t, nil, everyField...); ok || err != nil || p != dirty {
				t.Errorf("without a loader: %+v, %v, %v", p, ok, err)
			}
			runs := 0
			wanted := dirty
			wanted.Rank, wanted.Name = v.Rank, v.Name
			b.want(t, "with a loader", testcache.Value(v, &runs), wanted, "name", "rank")
			testcache.WantGet(t, b.Cache, "k", &v)
			b.want(t, "again", testcache.Never[person](t), v, everyField...)
			if runs != 1 {
				t.Errorf("%d loads, want one", runs)
			}
		}
		b.wantLife(t, "aside:{test:k}", time.Hour) // of the empty value
	})
}

func TestGetFieldsOfAbsence(t *testing.T) {
	eachWithFields(t, func(t *testing.T, b fieldBench) {
		for _, load := range []func(context.Context, string) (person, error){testcache.Failing[person](cache.ErrNotFound), testcache.Never[person](t)} {
			if _, ok, err := b.fields(t, load, everyField...); ok || !errors.Is(err, cache.ErrNotFound) {
				t.Errorf("with a loader: %v, %v", ok, err)
			}
		}
		testcache.WantState(t, b.Cache, "k", cache.Absent)
		if _, ok, err := b.fields(t, nil, everyField...); ok || err != nil {
			t.Errorf("without a loader: %v, %v", ok, err)
		}
		failure := errors.New("no source")
		if err := b.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := b.fields(t, testcache.Failing[person](failure), everyField...); ok || err != failure {
			t.Errorf("with a loader that fails: %v, %v", ok, err)
		}
	})
}

// A field that cannot be decoded, and a key of another type, heal like any broken
// entry; what is broken elsewhere is no matter.
func TestGetFieldsOfABrokenEntry(t *testing.T) {
	eachWithFields(t, func(t *testing.T, b fieldBench) {
		harms := append(b.otherTypes(t), func(key string) {
			b.do(t, "DEL", key)
			b.do(t, "HSET", key, "name", "Ann", "id", "no number")
		})
		for i, harm := range harms {
			harm("test:k")
			b.recorder.Reset()
			if _, ok, err := b.fields(t, nil, everyField...); ok || err != nil {
				t.Errorf("without a loader: %v, %v", ok, err)
			}
			if errs := b.recorder.Errors(); len(errs) != 1 || errs[0].Kind != cache.ErrDecode || errs[0].Op != cache.OpGetFields || errs[0].Key != "test:k" {
				t.Errorf("the observer heard of %v", errs)
			}
			if i == len(harms)-1 {
				b.want(t, "a field beside the broken one", testcache.Never[person](t), person{ID: -1, Name: "Ann", Rank: -1, Old: true}, "name")
			}
			b.recorder.Reset()
			runs := 0
			b.want(t, "with a loader", testcache.Value(bob, &runs), bob, everyField...)
			if errs := b.recorder.Errors(); len(errs) != 1 || errs[0].Kind != cache.ErrDecode {
				t.Errorf("the observer heard of %v", errs)
			}
			b.want(t, "once it is healed", testcache.Never[person](t), bob, everyField...)
			testcache.WantGet(t, b.Cache, "k", &bob)
		}
	})
}
