package collection_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
)

// lease is what the control key of a key holds that is being loaded.
const lease = "L" + "0123456789abcdef"

// set is SET with a TTL of ten minutes, which a test can tell from an hour.
func set(t testing.TB, rdb redis.UniversalClient, key, value string) {
	t.Helper()
	if err := rdb.Set(t.Context(), key, value, 10*time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
}

func wantNoted(t testing.TB, rdb redis.UniversalClient, key, want string) {
	t.Helper()
	if got := raw(t, rdb, "get", control(key)); got[0] != want {
		t.Errorf("of %s is recorded %q, want %q", key, got[0], want)
	}
}

// wantTTL checks that the life of a Redis key is d, less the little that has passed.
func wantTTL(t testing.TB, rdb redis.UniversalClient, key string, d time.Duration) {
	t.Helper()
	got, err := rdb.PTTL(t.Context(), key).Result()
	if err != nil || got > d || got < d-time.Minute {
		t.Errorf("the life of %s is %v, want %v, %v", key, got, d, err)
	}
}

// A subject is a collection of any kind with one way to write each thing.
type subject struct {
	key    string // Redis key
	start  []any  // the plain command that makes a value of one element, without the key
	add    func(ctx context.Context, opts ...collection.Option) error
	noop   func(ctx context.Context, opts ...collection.Option) error // removes what is not there
	remove func(ctx context.Context, opts ...collection.Option) error // the element of start
	read   func(ctx context.Context) (int, error)                     // counts
}

// subjects returns one of each kind, all of whose keys are called k.
func subjects(t testing.TB, rdb redis.UniversalClient, ttl time.Duration) map[string]subject {
	cfg := func(name string) collection.Config[string, string] {
		c := config(name)
		c.TTL = ttl
		return c
	}
	l, s, z := newList(t, rdb, cfg("list")), newSet(t, rdb, cfg("set")), newSortedSet(t, rdb, cfg("zset"))
	hc := hashConfig()
	hc.TTL = ttl
	h := newHash(t, rdb, hc)
	type option = collection.Option
	return map[string]subject{
		"list": {
			"list:k", []any{"rpush", "a"},
			func(ctx context.Context, o ...option) error {
				_, err := l.With(o...).PushBack(ctx, "k", "b")
				return err
			},
			func(ctx context.Context, o ...option) error {
				_, err := l.With(o...).InsertBefore(ctx, "k", "no such", "b")
				return err
			},
			func(ctx context.Context, o ...option) error { _, err := l.With(o...).PopFront(ctx, "k", 1); return err },
			func(ctx context.Context) (int, error) { return l.Len(ctx, "k") },
		},
		"set": {
			"set:k", []any{"sadd", "a"},
			func(ctx context.Context, o ...option) error { _, err := s.With(o...).Add(ctx, "k", "b"); return err },
			func(ctx context.Context, o ...option) error {
				_, err := s.With(o...).Remove(ctx, "k", "no such")
				return err
			},
			func(ctx context.Context, o ...option) error { _, err := s.With(o...).Remove(ctx, "k", "a"); return err },
			func(ctx context.Context) (int, error) { return s.Len(ctx, "k") },
		},
		"sorted set": {
			"zset:k", []any{"zadd", 1, "a"},
			func(ctx context.Context, o ...option) error {
				_, err := z.With(o...).Put(ctx, "k", scored{Elem: "b", Score: 2})
				return err
			},
			func(ctx context.Context, o ...option) error {
				_, err := z.With(o...).PutIf(ctx, "k", collection.Present, scored{Elem: "no such", Score: 2})
				return err
			},
			func(ctx context.Context, o ...option) error { _, err := z.With(o...).PopMin(ctx, "k", 1); return err },
			func(ctx context.Context) (int, error) { return z.Len(ctx, "k") },
		},
		"hash": {
			"person:k", []any{"hset", "name", "a"},
			func(ctx context.Context, o ...option) error { return h.With(o...).Set(ctx, "k", age.To(2)) },
			func(ctx context.Context, o ...option) error {
				_, err := h.With(o...).Remove(ctx, "k", nick)
				return err
			},
			func(ctx context.Context, o ...option) error {
				_, err := h.With(o...).Remove(ctx, "k", name)
				return err
			},
			func(ctx context.Context) (int, error) {
				var n string
				return h.Get(ctx, "k", name.Into(&n))
			},
		},
	}
}

// eachSubject runs a test on every server with every kind of collection.
func eachSubject(t *testing.T, test func(t *testing.T, rdb redis.UniversalClient, s subject)) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for name, s := range subjects(t, env.Client, time.Hour) {
			t.Run(name, func(t *testing.T) {
				env.FlushAll(t)
				test(t, env.Client, s)
			})
		}
	})
}

// make makes the value of one element, with a TTL of ten minutes.
func (s subject) make(t testing.TB, rdb redis.UniversalClient) {
	t.Helper()
	raw(t, rdb, append([]any{s.start[0], s.key}, s.start[1:]...)...)
	rdb.PExpire(t.Context(), s.key, 10*time.Minute)
}

func do(t testing.TB, f func(context.Context, ...collection.Option) error, opts ...collection.Option) {
	t.Helper()
	if err := f(t.Context(), opts...); err != nil {
		t.Error(err)
	}
}

// Every write ends a lease, whether it finds a value, makes one, or changes nothing: the
// load that has the lease may have begun before the source changed.
func TestWriteRevokesALease(t *testing.T) {
	eachSubject(t, func(t *testing.T, rdb redis.UniversalClient, s subject) {
		for what, write := range map[string]func(context.Context, ...collection.Option) error{"add": s.add, "no change": s.noop, "remove": s.remove} {
			for _, present := range []bool{false, true} {
				for _, known := range []bool{false, true} {
					rdb.Unlink(t.Context(), s.key)
					if present {
						s.make(t, rdb)
					}
					set(t, rdb, control(s.key), lease)
					var opts []collection.Option
					if known {
						opts = append(opts, collection.IfCached())
					}
					do(t, write, opts...)
					if got := raw(t, rdb, "get", control(s.key)); got[0] == lease {
						t.Errorf("%s, with a value: %v, IfCached: %v: the lease stands", what, present, known)
					}
				}
			}
		}
	})
}

// What a write makes ends "does not exist" and "is empty"; what changes nothing leaves
// them; what is left of a removed last element is empty.
func TestWriteAndMarks(t *testing.T) {
	eachSubject(t, func(t *testing.T, rdb redis.UniversalClient, s subject) {
		for _, mark := range []string{"N", "E"} {
			rdb.Unlink(t.Context(), s.key)
			set(t, rdb, control(s.key), mark)
			if n, err := s.read(t.Context()); n != 0 || err != nil {
				t.Errorf("under %s there are %d elements, %v", mark, n, err)
			}
			do(t, s.noop)
			wantNoted(t, rdb, s.key, mark)
			wantTTL(t, rdb, control(s.key), 10*time.Minute)
			do(t, s.add)
			wantNoted(t, rdb, s.key, "nil")
			want := time.Hour
			if mark == "E" {
				want = 10 * time.Minute // the value goes on living
			}
			wantTTL(t, rdb, s.key, want)
		}
		rdb.Unlink(t.Context(), s.key)
		do(t, s.remove)
		wantNoted(t, rdb, s.key, "nil") // nothing is known of the key, then as before
		s.make(t, rdb)
		do(t, s.remove)
		wantNoted(t, rdb, s.key, "E")
		wantTTL(t, rdb, control(s.key), 10*time.Minute)
	})
}

// A value that is created gets the TTL; any other keeps its own, or gets a new one.
func TestLives(t *testing.T) {
	const forever = -1
	eachSubject(t, func(t *testing.T, rdb redis.UniversalClient, s subject) {
		do(t, s.add)
		wantTTL(t, rdb, s.key, time.Hour)
		rdb.Unlink(t.Context(), s.key)
		do(t, s.add, collection.TTL(10*time.Minute))
		wantTTL(t, rdb, s.key, 10*time.Minute)
		do(t, s.add)
		wantTTL(t, rdb, s.key, 10*time.Minute)
		do(t, s.add, collection.Renew())
		wantTTL(t, rdb, s.key, time.Hour)
		do(t, s.noop, collection.Renew(), collection.TTL(10*time.Minute))
		wantTTL(t, rdb, s.key, 10*time.Minute)
		do(t, s.noop, collection.Renew(), collection.TTL(collection.Forever))
		wantTTL(t, rdb, s.key, forever)
		do(t, s.add)
		wantTTL(t, rdb, s.key, forever)
	})
}

// The life of an empty value: that of the value it was, the TTL by Renew, and ten years
// for one without end, since a control key always has one.
func TestLivesOfEmpties(t *testing.T) {
	tenYears := 10 * 365 * 24 * time.Hour
	eachSubject(t, func(t *testing.T, rdb redis.UniversalClient, s subject) {
		for _, tt := range []struct {
			before time.Duration
			opts   []collection.Option
			want   time.Duration
		}{
			{10 * time.Minute, nil, 10 * time.Minute},
			{10 * time.Minute, []collection.Option{collection.Renew()}, time.Hour},
			{-1, nil, tenYears},
			{-1, []collection.Option{collection.Renew()}, time.Hour},
			{10 * time.Minute, []collection.Option{collection.Renew(), collection.TTL(collection.Forever)}, tenYears},
		} {
			s.make(t, rdb)
			if tt.before < 0 {
				rdb.Persist(t.Context(), s.key)
			}
			do(t, s.remove, tt.opts...)
			wantNoted(t, rdb, s.key, "E")
			wantTTL(t, rdb, control(s.key), tt.want)
		}
		do(t, s.noop, collection.Renew(), collection.TTL(10*time.Minute))
		wantTTL(t, rdb, control(s.key), 10*time.Minute)
		do(t, s.add, collection.Renew())
		wantTTL(t, rdb, s.key, time.Hour)
	})
}

// By IfCached no value comes into being of which the cache could think that it is whole.
func TestIfCached(t *testing.T) {
	eachSubject(t, func(t *testing.T, rdb redis.UniversalClient, s subject) {
		do(t, s.add, collection.IfCached())
		if n := rdb.Exists(t.Context(), s.key).Val(); n != 0 {
			t.Error("a value came into being of which nothing was known")
		}
		set(t, rdb, control(s.key), "N")
		do(t, s.add, collection.IfCached())
		if n := rdb.Exists(t.Context(), s.key).Val(); n != 0 {
			t.Error("a value came into being that the source was said not to have")
		}
		wantNoted(t, rdb, s.key, "nil")
		set(t, rdb, control(s.key), "E")
		do(t, s.add, collection.IfCached())
		wantTTL(t, rdb, s.key, 10*time.Minute)
		wantNoted(t, rdb, s.key, "nil")
		do(t, s.add, collection.IfCached(), collection.Renew())
		wantTTL(t, rdb, s.key, time.Hour)
	})
}

// A control key that holds something else, or is of another type, is none.
func TestForeignControlKey(t *testing.T) {
	eachSubject(t, func(t *testing.T, rdb redis.UniversalClient, s subject) {
		for _, foreign := range [][]any{{"set", control(s.key), "whatever"}, {"rpush", control(s.key), "a"}} {
			for _, write := range []func(context.Context, ...collection.Option) error{s.add, s.noop, s.remove} {
				rdb.Unlink(t.Context(), s.key, control(s.key))
				raw(t, rdb, foreign...)
				do(t, write)
				do(t, write, collection.IfCached())
			}
		}
	})
}

// Keys with braces have control keys of other forms.
func TestControlKeysOfOddKeys(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l := newList(t, env.Client, config("list"))
		for key, control := range map[string]string{"{t}x": "aside:{t}list:{t}x", "a{b": "aside:{list:a{b}"} {
			set(t, env.Client, control, lease)
			if _, err := l.PushBack(t.Context(), key, "a"); err != nil {
				t.Fatal(err)
			}
			if got := raw(t, env.Client, "get", control); got[0] != "nil" {
				t.Errorf("the lease of %q stands", key)
			}
		}
		for _, key := range []string{"}", "{}", "\xff}", strings.Repeat("k", 10_000)} {
			if n, err := l.PushBack(t.Context(), key, "a"); n != 1 || err != nil {
				t.Errorf("PushBack to %q = %d, %v", key, n, err)
			}
		}
	})
}

// The load of a cache that began before a write of a field is not stored over it.
func TestWriteBeatsAnOlderLoad(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		h := newHash(t, env.Client, hashConfig())
		c, err := cache.New(env.Client, cache.Config[string, person]{Name: "person", Codec: people, TTL: time.Hour, RedisTimeout: longTimeout})
		c = opened(t, c, err)
		older, err := c.GetOrSet(t.Context(), "k", func(ctx context.Context, key string) (person, error) {
			err := h.Set(ctx, key, name.To("newer"))
			return person{Name: "older"}, err
		})
		if err != nil || older.Name != "older" {
			t.Errorf("GetOrSet = %+v, %v", older, err)
		}
		if got, ok, err := c.Get(t.Context(), "k"); got.Name != "newer" || !ok || err != nil {
			t.Errorf("after the load Get = %+v, %v, %v", got, ok, err)
		}
		if n, err := h.Remove(t.Context(), "k", name); n != 1 || err != nil {
			t.Errorf("Remove = %d, %v", n, err)
		}
		got, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (person, error) {
			t.Error("a load of a hash that is known to be empty began")
			return person{}, nil
		})
		if got != (person{}) || err != nil {
			t.Errorf("of an empty hash GetOrSet = %+v, %v", got, err)
		}
		if err := h.Delete(t.Context(), "k"); err != nil {
			t.Error(err)
		}
		if keys := env.Keys(t); len(keys) > 0 {
			t.Errorf("after Delete there is %q", keys)
		}
	})
}
