package collection_test

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
)

// nextVersion is the key of version 1 of a key without a version.
func nextVersion(key string) string {
	for i := range key {
		if key[i] == ':' {
			return key[:i] + "@1{" + key + "}"
		}
	}
	return ""
}

// A write of elements removes the value of the next version, whether it finds a value or not,
// and whether it changes anything or not; and it ends a load of that.
func TestWritesOfElementsReachVersions(t *testing.T) {
	eachSubject(t, func(t *testing.T, rdb redis.UniversalClient, s subject) {
		next := nextVersion(s.key)
		for _, there := range []bool{true, false} {
			for i, write := range []func(){
				func() { do(t, s.add) },
				func() { do(t, s.noop) },
				func() { do(t, s.remove) },
				func() { do(t, s.add, collection.IfCached()) },
				func() { do(t, s.add, collection.Renew()) },
			} {
				raw(t, rdb, "del", s.key)
				if there {
					s.make(t, rdb)
				}
				raw(t, rdb, "set", next, "what version 1 holds")
				set(t, rdb, control(s.key), lease)
				write()
				if got := raw(t, rdb, "exists", next); got[0] != "0" {
					t.Errorf("write %d, on a value: %v, has left version 1", i, there)
				}
				if got := raw(t, rdb, "get", control(s.key)); got[0] == lease {
					t.Errorf("write %d, on a value: %v, has left the lease", i, there)
				}
				raw(t, rdb, "del", control(s.key))
			}
		}
	})
}

// What a control key says of other versions' empty values ends with a write.
func TestWritesOfElementsEndEmptyVersions(t *testing.T) {
	eachSubject(t, func(t *testing.T, rdb redis.UniversalClient, s subject) {
		for _, tt := range []struct{ before, after string }{
			{"E@1", "nil"},
			{"E@0@1", "E"},
			{"E", "E"},
			{"N", "N"},
			{lease + "E@1:9999999999999", "nil"},
			{lease + "E@1@0:9999999999999", "E"},
		} {
			set(t, rdb, control(s.key), tt.before)
			do(t, s.noop)
			wantNoted(t, rdb, s.key, tt.after)
		}
		for _, before := range []string{"E@1", lease + "E@1:9999999999999"} {
			set(t, rdb, control(s.key), before)
			do(t, s.add, collection.IfCached())
			wantNoted(t, rdb, s.key, "nil")
			if got := raw(t, rdb, "exists", s.key); got[0] != "0" {
				t.Errorf("%q: an empty value of another version is taken for one of this", before)
			}
		}
		set(t, rdb, control(s.key), "E@2@0")
		do(t, s.add, collection.IfCached())
		wantNoted(t, rdb, s.key, "nil")
		wantTTL(t, rdb, s.key, 10*time.Minute)
	})
}

// Many elements, which are staged, a pipeline and a delete reach versions as well; and a version
// says of itself alone that it is empty.
func TestWritesOfVersions(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		cfg := config("list")
		cfg.Version = 2
		l := newList(t, env.Client, cfg)
		const value = "list@2{list:k}"
		writes := map[string]func() error{
			"staged": func() error {
				_, err := l.PushBack(t.Context(), "k", slices.Repeat([]string{"x"}, 10_001)...)
				return err
			},
			"a pipeline": func() error {
				var p collection.Pipeline
				l.In(&p).PushBack("k", "x")
				return p.Exec(t.Context())
			},
			"a transaction": func() error {
				var p collection.Pipeline
				l.In(&p).PushBack("k", "x")
				return p.ExecAtomic(t.Context())
			},
			"a delete": func() error { return l.Delete(t.Context(), "k") },
		}
		for name, write := range writes {
			for _, other := range []string{"list@1{list:k}", "list@3{list:k}"} {
				raw(t, env.Client, "set", other, "x")
			}
			if err := write(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := raw(t, env.Client, "exists", "list@1{list:k}"); got[0] != "0" {
				t.Errorf("%s has left version 1", name)
			}
			if got := raw(t, env.Client, "exists", "list@3{list:k}"); got[0] != "0" {
				t.Errorf("%s has left version 3", name)
			}
		}
		if err := l.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if _, err := l.PushBack(t.Context(), "k", "only"); err != nil {
			t.Fatal(err)
		}
		if _, err := l.PopFront(t.Context(), "k", 1); err != nil {
			t.Fatal(err)
		}
		wantNoted(t, env.Client, "list:k", "E@2")
		if got := raw(t, env.Client, "exists", value); got[0] != "0" {
			t.Error("the last element is still there")
		}
	})
}
