package servertest

import (
	"context"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// A staleBench is a cache whose entries are made stale, and refreshed.
type staleBench[V any] struct {
	*bench[V]
	*cache.Cache[string, V]
	stored chan cache.WriteEvent // by loads
}

const staleLeft = 30 * time.Minute // of StaleFor

func openStale[V any](t *testing.T, b *bench[V], lease time.Duration) staleBench[V] {
	t.Helper()
	s := staleBench[V]{bench: b, stored: make(chan cache.WriteEvent, 100)}
	s.Cache = b.open(t, func(cfg *cache.Config[string, V]) {
		cfg.StaleFor, cfg.AbsentTTL, cfg.Lease = time.Hour, time.Hour, lease
		cfg.Observer.Write = func(_ context.Context, e cache.WriteEvent) {
			if e.Op != cache.OpSet && e.Op != cache.OpSetAbsent && e.Op != cache.OpDelete {
				s.stored <- e
			}
		}
	})
	return s
}

// turn makes what a key holds, or its control key, stale.
func (s staleBench[V]) turn(t *testing.T, redisKey string) {
	t.Helper()
	if ok, err := s.rdb.PExpire(t.Context(), redisKey, staleLeft).Result(); !ok || err != nil {
		t.Fatalf("PEXPIRE %s: %v, %v", redisKey, ok, err)
	}
}

// refreshed waits for so many refreshes to be stored.
func (s staleBench[V]) refreshed(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case e := <-s.stored:
			if e.Outcome != cache.WriteOK {
				t.Errorf("a refresh: %+v", e)
			}
		case <-time.After(testcache.Timeout):
			t.Fatal("nothing was refreshed")
		}
	}
}

func caseStale[V any](t *testing.T, b *bench[V]) {
	for name, lease := range map[string]time.Duration{"leases": 0, "no leases": cache.Off} {
		t.Run(name, func(t *testing.T) {
			s := openStale(t, b, lease)
			for key, v := range map[string]V{"value": b.one, "empty": b.empty} {
				key = name + " " + key
				s.value(t, key, v)
			}
			s.absence(t, name+" absence")
			s.many(t, name)
		})
	}
}

func (s staleBench[V]) value(t *testing.T, key string, v V) {
	if err := s.Set(t.Context(), key, v); err != nil {
		t.Fatal(err)
	}
	holder := s.holder(s.RedisKey(key), v)
	s.wantLife(t, holder, 2*time.Hour)
	got, err := s.GetOrSet(t.Context(), key, testcache.Never[V](t))
	testcache.Want(t, "fresh", got, err, v)
	if e := testcache.WantState(t, s.Cache, key, cache.Present); e.TTL > time.Hour || e.TTL < 59*time.Minute {
		t.Errorf("a fresh entry says %v", e.TTL)
	}

	s.turn(t, holder)
	testcache.WantGet(t, s.Cache, key, &v)
	if e := testcache.WantState(t, s.Cache, key, cache.Stale); e.TTL > staleLeft || e.TTL < staleLeft-time.Minute {
		t.Errorf("a stale entry says %v", e.TTL)
	}
	var p collection.Pipeline
	queued, none := s.In(&p).Entry(key), s.In(&p).Get(key, cache.NoStale())
	if err := p.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e, err := queued.Result(); e.State != cache.Stale || err != nil {
		t.Errorf("Entry in a pipeline: %v, %v", e.State, err)
	}
	if f, err := none.Result(); f.OK || err != nil {
		t.Errorf("Get in a pipeline with NoStale: %v, %v", f.OK, err)
	}
	got, err = s.GetOrSet(t.Context(), key, testcache.Value(s.two, new(int)))
	testcache.Want(t, "stale", got, err, v)
	s.refreshed(t, 1)
	got, err = s.GetOrSet(t.Context(), key, testcache.Never[V](t))
	testcache.Want(t, "refreshed", got, err, s.two)
	s.wantLife(t, s.holder(s.RedisKey(key), s.two), 2*time.Hour)

	if err := s.Set(t.Context(), key, v); err != nil {
		t.Fatal(err)
	}
	s.turn(t, holder)
	got, err = s.GetOrSet(t.Context(), key, testcache.Value(s.two, new(int)), cache.NoStale())
	testcache.Want(t, "NoStale", got, err, s.two)
	s.refreshed(t, 1)
	s.turn(t, s.RedisKey(key))
	if err := s.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	testcache.WantGet(t, s.Cache, key, nil)
}

func (s staleBench[V]) absence(t *testing.T, key string) {
	if err := s.SetAbsent(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	control := testcache.Control(s.RedisKey(key))
	s.wantLife(t, control, 2*time.Hour)
	got, err := s.GetOrSet(t.Context(), key, testcache.Never[V](t))
	testcache.WantError(t, "a fresh absence", got, err, cache.ErrNotFound)
	s.turn(t, control)
	got, err = s.GetOrSet(t.Context(), key, testcache.Value(s.one, new(int)))
	testcache.WantError(t, "a stale absence", got, err, cache.ErrNotFound)
	s.refreshed(t, 1)
	got, err = s.GetOrSet(t.Context(), key, testcache.Never[V](t))
	testcache.Want(t, "refreshed", got, err, s.one)

	if err := s.SetAbsent(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	s.turn(t, control)
	got, err = s.GetOrSet(t.Context(), key, testcache.Value(s.two, new(int)), cache.NoStale())
	testcache.Want(t, "NoStale", got, err, s.two)
	s.refreshed(t, 1)
}

func (s staleBench[V]) many(t *testing.T, prefix string) {
	keys := []string{prefix + " a", prefix + " b", prefix + " c"}
	for _, key := range keys {
		if err := s.Set(t.Context(), key, s.one); err != nil {
			t.Fatal(err)
		}
		s.turn(t, s.RedisKey(key))
	}
	var calls [][]string
	load := func(_ context.Context, keys []string) (map[string]V, error) {
		calls = append(calls, keys) // before the refreshes are stored, which the test waits for
		found := make(map[string]V)
		for _, key := range keys {
			found[key] = s.two
		}
		return found, nil
	}
	got, err := s.GetOrSetMany(t.Context(), keys, load)
	testcache.Want(t, "stale values", got, err, map[string]V{keys[0]: s.one, keys[1]: s.one, keys[2]: s.one})
	s.refreshed(t, len(keys))
	if len(calls) != 1 || len(calls[0]) != len(keys) {
		t.Errorf("calls of the loader: %q", calls)
	}
	got, err = s.GetMany(t.Context(), keys)
	testcache.Want(t, "refreshed", got, err, map[string]V{keys[0]: s.two, keys[1]: s.two, keys[2]: s.two})
}

// GetFields serves the fields of a stale hash, and refreshes the whole of it.
func TestStaleFields(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for name, lease := range map[string]time.Duration{"leases": 0, "no leases": cache.Off} {
			t.Run(name, func(t *testing.T) {
				env.FlushAll(t)
				s := openStale(t, &bench[person]{fixture[person]{codec: persons}, env, env.Client, "test"}, lease)
				old, renewed := person{ID: 1, Name: "Ada"}, person{ID: 1, Name: "Countess"}
				if err := s.Set(t.Context(), "k", old); err != nil {
					t.Fatal(err)
				}
				read := func(load func(context.Context, string) (person, error), want string) {
					t.Helper()
					var name string
					ok, err := s.GetFields(t.Context(), "k", load, nameField.Into(&name))
					if !ok || err != nil || name != want {
						t.Errorf("GetFields: %q, %v, %v, want %q", name, ok, err, want)
					}
				}
				read(testcache.Never[person](t), "Ada")
				s.turn(t, s.RedisKey("k"))
				read(nil, "Ada")
				read(testcache.Value(renewed, new(int)), "Ada")
				s.refreshed(t, 1)
				read(testcache.Never[person](t), "Countess")
				testcache.WantState(t, s.Cache, "k", cache.Present)
			})
		}
	})
}
