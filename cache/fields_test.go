package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
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
	recorder *recorder
}

// eachWithFields runs a test on every server, with leases and without.
func eachWithFields(t *testing.T, test func(t *testing.T, b fieldBench)) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for name, lease := range map[string]time.Duration{"leases": 0, "no leases": cache.Off} {
			t.Run(name, func(t *testing.T) {
				env.FlushAll(t)
				var r recorder
				c := open(t, env.Client, cache.Config[string, person]{Codec: persons, Lease: lease, Jitter: -1, Observer: r.observer()})
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
	want(t, what, p, err, wanted)
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
		for name, load := range map[string]func(context.Context, string) (person, error){"no loader": nil, "a loader": never[person](t)} {
			b.set(t, ann)
			b.recorder.take()
			b.want(t, name+": all", load, ann, everyField...)
			b.want(t, name+": one", load, person{ID: -1, Name: "Ann", Rank: -1, Old: true}, "name")
			b.set(t, bob)
			b.want(t, name+": some are left out", load, bob, everyField...)
			b.want(t, name+": all are left out", load, person{ID: -1, Name: "dirty"}, "rank", "old")
			b.set(t, person{})
			b.want(t, name+": an empty entry", load, person{}, everyField...)
			for _, e := range b.recorder.take().lookups {
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
			b.want(t, "with a loader", value(v, &runs), wanted, "name", "rank")
			wantGet(t, b.Cache, "k", &v)
			b.want(t, "again", never[person](t), v, everyField...)
			if runs != 1 {
				t.Errorf("%d loads, want one", runs)
			}
		}
		b.wantLife(t, "aside:{test:k}", time.Hour) // of the empty value
	})
}

func TestGetFieldsOfAbsence(t *testing.T) {
	eachWithFields(t, func(t *testing.T, b fieldBench) {
		for _, load := range []func(context.Context, string) (person, error){failing[person](cache.ErrNotFound), never[person](t)} {
			if _, ok, err := b.fields(t, load, everyField...); ok || !errors.Is(err, cache.ErrNotFound) {
				t.Errorf("with a loader: %v, %v", ok, err)
			}
		}
		wantState(t, b.Cache, "k", cache.Absent)
		if _, ok, err := b.fields(t, nil, everyField...); ok || err != nil {
			t.Errorf("without a loader: %v, %v", ok, err)
		}
		failure := errors.New("no source")
		if err := b.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := b.fields(t, failing[person](failure), everyField...); ok || err != failure {
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
			b.recorder.take()
			if _, ok, err := b.fields(t, nil, everyField...); ok || err != nil {
				t.Errorf("without a loader: %v, %v", ok, err)
			}
			if errs := b.recorder.take().errors; len(errs) != 1 || errs[0].Kind != cache.ErrDecode || errs[0].Op != cache.OpGetFields || errs[0].Key != "test:k" {
				t.Errorf("the observer heard of %v", errs)
			}
			if i == len(harms)-1 {
				b.want(t, "a field beside the broken one", never[person](t), person{ID: -1, Name: "Ann", Rank: -1, Old: true}, "name")
			}
			runs := 0
			b.want(t, "with a loader", value(bob, &runs), bob, everyField...)
			if errs := b.recorder.take().errors; len(errs) != 1 || errs[0].Kind != cache.ErrDecode {
				t.Errorf("the observer heard of %v", errs)
			}
			b.want(t, "once it is healed", never[person](t), bob, everyField...)
			wantGet(t, b.Cache, "k", &bob)
		}
	})
}

func TestGetFieldsRefuses(t *testing.T) {
	env := redistest.Mini(t)
	hash := open(t, env.Client, cache.Config[string, person]{Codec: persons})
	blob := open(t, env.Client, cache.Config[string, person]{Name: "blob"})
	other := cache.Must(hashmap.FieldOf[string](hashmap.MustOf[person](), "name"))
	var name string
	for what, tt := range map[string]struct {
		c    *cache.Cache[string, person]
		into []codec.FieldReader[person]
		want string
	}{
		"a codec of another shape": {blob, []codec.FieldReader[person]{nameField.Into(&name)}, "keeps values in no Redis hash"},
		"no field":                 {hash, nil, "no field is asked for"},
		"nil":                      {hash, []codec.FieldReader[person]{nil}, "destination 0 is nil"},
		"a nil pointer":            {hash, []codec.FieldReader[person]{nameField.Into(nil)}, "person.Name: Into was given a nil pointer"},
		"a zero field":             {hash, []codec.FieldReader[person]{hashmap.Field[person, string]{}.Into(&name)}, "was not made by Of or FieldOf"},
		"another mapping":          {hash, []codec.FieldReader[person]{other.Into(&name)}, `field "name" is not of the cache's own codec`},
	} {
		ok, err := tt.c.GetFields(t.Context(), "k", never[person](t), tt.into...)
		if e := (*cache.Error)(nil); ok || !errors.As(err, &e) || e.Op != cache.OpGetFields || e.Kind != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, %v, want an error with %q", what, ok, err, tt.want)
		}
	}
	_ = hash.Close()
	if ok, err := hash.GetFields(t.Context(), "k", nil, nameField.Into(&name)); ok || !errors.Is(err, cache.ErrClosed) {
		t.Errorf("of a closed cache: %v, %v", ok, err)
	}
}

// Redis fails: a call waits no longer than RedisTimeout, and does by the policy.
func TestGetFieldsWithoutRedis(t *testing.T) {
	for _, policy := range []cache.FailurePolicy{cache.LoadThrough, cache.Fail} {
		bubble(t, func(t *testing.T, env *redistest.Env) {
			f := newFaults(t, env)
			c := open(t, f.client(t), cache.Config[string, person]{Codec: persons, OnRedisError: policy})
			wantGet(t, c, "k", nil)
			f.slow(time.Hour)
			for _, load := range []func(context.Context, string) (person, error){
				nil, func(context.Context, string) (person, error) { return ann, nil },
			} {
				began := time.Now()
				name := "dirty"
				ok, err := c.GetFields(t.Context(), "k", load, nameField.Into(&name))
				if took := time.Since(began); took != time.Second {
					t.Errorf("returned after %v, want RedisTimeout", took)
				}
				switch {
				case load != nil && policy == cache.LoadThrough:
					want(t, "LoadThrough", name, err, "Ann")
				case ok || !errors.Is(err, cache.ErrRedis):
					t.Errorf("policy %v: %v, %v, want ErrRedis", policy, ok, err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			var name string
			if ok, err := c.GetFields(ctx, "k", never[person](t), nameField.Into(&name)); ok || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("with a deadline: %v, %v", ok, err)
			}
			f.slow(0)
			time.Sleep(2 * time.Hour)
		})
	}
}

// Callers of GetFields share a load with each other and with those of GetOrSet.
func TestGetFieldsSharesLoads(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, person]{Codec: persons})
		runs := 0
		load := func(context.Context, string) (person, error) {
			runs++ // a second run would be a data race
			time.Sleep(50 * time.Millisecond)
			return ann, nil
		}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				v, err := c.GetOrSet(t.Context(), "k", load)
				want(t, "GetOrSet", v, err, ann)
			})
			wg.Go(func() {
				var name string
				_, err := c.GetFields(t.Context(), "k", load, nameField.Into(&name))
				want(t, "GetFields", name, err, "Ann")
			})
		}
		wg.Wait()
		if runs != 1 {
			t.Errorf("%d loads, want one", runs)
		}
	})
}

// A hit asks for the fields and nothing else.
func TestGetFieldsCommands(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		var log commandLog
		log.keep(f, 0, 0)
		c := open(t, f.client(t), cache.Config[string, person]{Codec: persons})
		if err := c.Set(t.Context(), "k", bob); err != nil {
			t.Fatal(err)
		}
		var name string
		var rank float64
		for _, tt := range []struct {
			what string
			into codec.FieldReader[person]
			want []string
		}{
			{"a field that is there", nameField.Into(&name), []string{"HMGET"}},
			{"a field that is not there", rankField.Into(&rank), []string{"HMGET", "HGETALL"}},
		} {
			log.take()
			if ok, err := c.GetFields(t.Context(), "k", never[person](t), tt.into); !ok || err != nil {
				t.Errorf("%s: %v, %v", tt.what, ok, err)
			}
			want(t, tt.what, log.take(), nil, tt.want)
		}
		for range 2 { // the first time the server has to learn the scripts
			if err := c.Delete(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			log.take()
			runs := 0
			if ok, err := c.GetFields(t.Context(), "k", value(bob, &runs), nameField.Into(&name)); !ok || err != nil || runs != 1 {
				t.Errorf("a miss: %v, %v", ok, err)
			}
		}
		want(t, "a miss that was foreseen", log.take(), nil, []string{"EVALSHA", "EVALSHA"})
	})
}
