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

// persons is a codec whose fields can be read.
var persons = hashmap.MustOf[person]()

var (
	nameField = cache.Must(hashmap.FieldOf[string](persons, "name"))
	rankField = cache.Must(hashmap.FieldOf[float64](persons, "rank"))
)

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
		"a nil pointer":            {hash, []codec.FieldReader[person]{nameField.Into(nil)}, "Person.Name: Into was given a nil pointer"},
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
		want(t, "a miss that was predicted", log.take(), nil, []string{"EVALSHA", "EVALSHA"})
	})
}
