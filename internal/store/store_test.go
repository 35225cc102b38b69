package store_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// patience is far more than any answer takes that a test waits for.
const patience = 30 * time.Second

func deadline() time.Time { return time.Now().Add(patience) }

func newStore(t testing.TB, rdb redis.UniversalClient, shape codec.Shape) *store.Store {
	t.Helper()
	s, err := store.New(rdb, shape, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// A content is what a value key holds: the fields of a hash, or a string as the
// field "".
type content map[string]string

func text(s string) content { return content{"": s} }

// fields is a hash of n fields.
func fields(n int) content {
	c := make(content, n)
	for i := range n {
		c["field"+strconv.Itoa(i)] = "value" + strconv.Itoa(i)
	}
	return c
}

// entry puts c into a new Entry.
func entry(key string, c content) *store.Entry {
	e := new(store.Entry)
	e.Wire.Reset(key)
	for _, name := range slices.Sorted(maps.Keys(c)) {
		var n []byte
		if name != "" {
			n = []byte(name)
		}
		e.Wire.Add(n, []byte(c[name]))
	}
	return e
}

// contentOf is what e holds.
func contentOf(e *store.Entry) content {
	c := make(content)
	for i := range e.Wire.Len() {
		c[string(e.Wire.Name(i))] = string(e.Wire.Value(i))
	}
	return c
}

// stored asks Redis itself what a key holds, nil for nothing.
func stored(t *testing.T, rdb redis.UniversalClient, key string) content {
	t.Helper()
	switch kind := rdb.Type(t.Context(), key).Val(); kind {
	case "none":
		return nil
	case "string":
		return text(rdb.Get(t.Context(), key).Val())
	case "hash":
		return rdb.HGetAll(t.Context(), key).Val()
	default:
		return content{"type": kind}
	}
}

// read is Store.Read in the form of a test.
func read(t *testing.T, s *store.Store, key string) (content, bool, error) {
	t.Helper()
	e := new(store.Entry)
	found, err := s.Read(t.Context(), key, e, time.Now())
	return contentOf(e), found, err
}

func look(t *testing.T, s *store.Store, key string) (*store.Entry, error) {
	t.Helper()
	e := new(store.Entry)
	return e, s.Look(t.Context(), deadline(), key, e, true)
}

// shapes are the shapes that a store serves, each with a value.
var shapes = []struct {
	shape codec.Shape
	value content
	other string // a type that the store does not read
}{
	{codec.ShapeString, text("héllo\r\n$-1\r\n\x00"), "list"},
	{codec.ShapeHash, content{"name": "Ann", "note": "", "a b": "\r\n*0\r\n", "\xff\x00": "x"}, "string"},
}

// eachShape runs a test on every server and shape.
func eachShape(t *testing.T, test func(t *testing.T, env *redistest.Env, s *store.Store, value content)) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, sh := range shapes {
			t.Run(sh.shape.String(), func(t *testing.T) {
				env.FlushAll(t)
				test(t, env, newStore(t, env.Client, sh.shape), sh.value)
			})
		}
	})
}

// foreign makes key hold a value of a Redis type.
func foreign(t *testing.T, rdb redis.UniversalClient, key, kind string) {
	t.Helper()
	ctx := t.Context()
	err := rdb.Del(ctx, key).Err()
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case "string":
		err = rdb.Set(ctx, key, "foreign", time.Hour).Err()
	case "hash":
		err = rdb.HSet(ctx, key, "foreign", "1").Err()
	case "list":
		err = rdb.RPush(ctx, key, "foreign").Err()
	case "set":
		err = rdb.SAdd(ctx, key, "foreign").Err()
	case "zset":
		err = rdb.ZAdd(ctx, key, redis.Z{Member: "foreign"}).Err()
	case "stream":
		err = rdb.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []string{"foreign", "1"}}).Err()
	}
	if err != nil {
		t.Fatal(err)
	}
}

var foreignTypes = []string{"string", "hash", "list", "set", "zset", "stream"}

func wantTTL(t *testing.T, rdb redis.UniversalClient, key string, want time.Duration) {
	t.Helper()
	got := rdb.PTTL(t.Context(), key).Val()
	if want < 0 && got != want || want >= 0 && (got > want || got <= want-time.Minute) {
		t.Errorf("PTTL %s: %v, want %v", key, got, want)
	}
}

func wantStored(t *testing.T, rdb redis.UniversalClient, key string, want content) {
	t.Helper()
	if got := stored(t, rdb, key); !maps.Equal(got, want) || (got == nil) != (want == nil) {
		t.Errorf("%s holds %.200q, want %.200q", key, got, want)
	}
}

func TestPutThenRead(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		for _, ttl := range []time.Duration{90*time.Minute + time.Millisecond, 24 * time.Hour, store.Forever} {
			for _, key := range []string{"user:42", "{acme}:user:42", "a}b", "spa ce", "\xff\x00"} {
				if err := s.Put(t.Context(), deadline(), key, entry(key, value), ttl); err != nil {
					t.Fatal(err)
				}
				wantStored(t, env.Client, key, value)
				wantStored(t, env.Client, store.ControlKey(key), nil)
				wantTTL(t, env.Client, key, ttl)
				got, found, err := read(t, s, key)
				if !found || err != nil || !maps.Equal(got, value) {
					t.Errorf("Read %q: %q, %v, %v", key, got, found, err)
				}
				e, err := look(t, s, key)
				if err != nil || e.State != store.Present || !maps.Equal(contentOf(e), value) {
					t.Errorf("Look %q: %q, %v, %v", key, contentOf(e), e.State, err)
				}
				if ttl == store.Forever && e.TTL != ttl || ttl > 0 && (e.TTL > ttl || e.TTL < ttl-time.Minute) {
					t.Errorf("Look %q: remaining life %v of %v", key, e.TTL, ttl)
				}
			}
		}
	})
}

// Put keeps a TTL to the millisecond. Only a clock that stands still can show it.
func TestTTLIsExact(t *testing.T) {
	for _, sh := range shapes {
		t.Run(sh.shape.String(), func(t *testing.T) {
			env := redistest.Mini(t)
			env.Mini.ClockTTL(false)
			s := newStore(t, env.Client, sh.shape)
			for _, ttl := range []time.Duration{time.Millisecond, 999 * time.Millisecond, time.Second, 1001 * time.Millisecond, 3 * time.Hour} {
				for name, put := range map[string]func() error{
					"Put": func() error { return s.Put(t.Context(), deadline(), "k", entry("k", sh.value), ttl) },
					"PutIfAbsent": func() error {
						env.FlushAll(t)
						_, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", sh.value), ttl)
						return err
					},
					"Touch": func() error {
						foreign(t, env.Client, "k", sh.shape.String())
						_, err := s.Touch(t.Context(), deadline(), "k", ttl)
						return err
					},
				} {
					if err := put(); err != nil {
						t.Fatal(err)
					}
					if got := env.Mini.TTL("k"); got != ttl {
						t.Errorf("%s with %v: the key lives %v", name, ttl, got)
					}
				}
				if err := s.PutAbsent(t.Context(), deadline(), "k", ttl); err != nil {
					t.Fatal(err)
				}
				if got := env.Mini.TTL(store.ControlKey("k")); got != ttl {
					t.Errorf("PutAbsent with %v: the mark lives %v", ttl, got)
				}
			}
		})
	}
}

func TestReadOfNothing(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, _ content) {
		if got, found, err := read(t, s, "k"); found || err != nil || len(got) != 0 {
			t.Errorf("Read: %q, %v, %v", got, found, err)
		}
		if e, err := look(t, s, "k"); e.State != store.Missing || e.TTL != 0 || err != nil {
			t.Errorf("Look: %v, %v, %v", e.State, e.TTL, err)
		}
	})
}

// Whatever type a key holds, each kind of put replaces it, and each kind of read
// says that it is no value.
func TestForeignTypes(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		kind := codec.ShapeHash.String()
		if _, ok := value[""]; ok {
			kind = codec.ShapeString.String()
		}
		for _, other := range foreignTypes {
			if other == kind {
				continue
			}
			foreign(t, env.Client, "k", other)
			if _, found, err := read(t, s, "k"); found || err != store.ErrWrongType || !store.IsBroken(err) {
				t.Errorf("Read of a %s: %v, %v", other, found, err)
			}
			if e, err := look(t, s, "k"); e.State != store.Missing || err != store.ErrWrongType {
				t.Errorf("Look at a %s: %v, %v", other, e.State, err)
			}
			if ok, err := s.Touch(t.Context(), deadline(), "k", time.Hour); ok || err != nil {
				t.Errorf("Touch of a %s: %v, %v", other, ok, err)
			}
			if err := s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour); err != nil {
				t.Errorf("Put over a %s: %v", other, err)
			}
			wantStored(t, env.Client, "k", value)

			env.FlushAll(t)
			foreign(t, env.Client, "k", other)
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", value), time.Hour); !ok || err != nil {
				t.Errorf("PutIfAbsent over a %s: %v, %v", other, ok, err)
			}
			wantStored(t, env.Client, "k", value)

			env.FlushAll(t)
			foreign(t, env.Client, "k", other)
			if err := s.PutAbsent(t.Context(), deadline(), "k", time.Hour); err != nil {
				t.Errorf("PutAbsent over a %s: %v", other, err)
			}
			wantStored(t, env.Client, "k", nil)
			env.FlushAll(t)
		}
	})
}

// Whatever a control key holds, a value counts, and each write ends it.
func TestForeignControlKeys(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		control := store.ControlKey("k")
		garbage := map[string]func(){
			"lease":  func() { env.Client.Set(t.Context(), control, "L0123456789abcdef", time.Hour) },
			"bytes":  func() { env.Client.Set(t.Context(), control, "\x00\xffN", time.Hour) },
			"empty":  func() { env.Client.Set(t.Context(), control, "", time.Hour) },
			"absent": func() { env.Client.Set(t.Context(), control, "N", time.Hour) },
		}
		for _, kind := range foreignTypes[1:] {
			garbage[kind] = func() { foreign(t, env.Client, control, kind) }
		}
		for name, put := range garbage {
			env.FlushAll(t)
			put()
			if e, err := look(t, s, "k"); err != nil || (e.State != store.Missing) != (name == "absent") {
				t.Errorf("%s: Look: %v, %v", name, e.State, err)
			}
			if ok, err := s.Touch(t.Context(), deadline(), "k", time.Hour); ok || err != nil {
				t.Errorf("%s: Touch: %v, %v", name, ok, err)
			}
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", value), time.Hour); !ok || err != nil {
				t.Errorf("%s: PutIfAbsent: %v, %v", name, ok, err)
			}
			wantStored(t, env.Client, control, nil)
			put()
			if e, err := look(t, s, "k"); err != nil || e.State != store.Present {
				t.Errorf("%s beside a value: Look: %v, %v", name, e.State, err)
			}
			if err := s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour); err != nil {
				t.Errorf("%s: Put: %v", name, err)
			}
			wantStored(t, env.Client, control, nil)
			put()
			if err := s.PutAbsent(t.Context(), deadline(), "k", time.Hour); err != nil {
				t.Errorf("%s: PutAbsent: %v", name, err)
			}
			wantStored(t, env.Client, control, text("N"))
			put()
			if failed := s.Delete(t.Context(), deadline(), []string{"k"}); failed != nil {
				t.Errorf("%s: Delete: %v", name, failed)
			}
			wantStored(t, env.Client, control, nil)
		}
	})
}

func TestPutAbsent(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		if err := s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := s.PutAbsent(t.Context(), deadline(), "k", 2*time.Hour); err != nil {
			t.Fatal(err)
		}
		wantStored(t, env.Client, "k", nil)
		wantStored(t, env.Client, store.ControlKey("k"), text("N"))
		wantTTL(t, env.Client, store.ControlKey("k"), 2*time.Hour)
		e, err := look(t, s, "k")
		if err != nil || e.State != store.Absent || e.TTL <= time.Hour || e.TTL > 2*time.Hour {
			t.Errorf("Look: %v for %v, %v", e.State, e.TTL, err)
		}
		if _, found, err := read(t, s, "k"); found || err != nil {
			t.Errorf("Read: %v, %v", found, err)
		}
		if err := s.PutAbsent(t.Context(), deadline(), "k", store.Forever); err != nil {
			t.Fatal(err)
		}
		wantTTL(t, env.Client, store.ControlKey("k"), 10*365*24*time.Hour)
		env.Advance(t, 10*365*24*time.Hour)
		if e, err := look(t, s, "k"); err != nil || e.State != store.Missing {
			t.Errorf("Look after its life: %v, %v", e.State, err)
		}
	})
}

func TestEmptyHash(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		s := newStore(t, env.Client, codec.ShapeHash)
		control := store.ControlKey("k")
		puts := map[string]func(ttl time.Duration) error{
			"Put": func(ttl time.Duration) error { return s.Put(t.Context(), deadline(), "k", entry("k", nil), ttl) },
			"PutIfAbsent": func(ttl time.Duration) error {
				ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", nil), ttl)
				if !ok && err == nil {
					return fmt.Errorf("not stored")
				}
				return err
			},
		}
		for name, put := range puts {
			for ttl, life := range map[time.Duration]time.Duration{2 * time.Hour: 2 * time.Hour, store.Forever: 10 * 365 * 24 * time.Hour} {
				env.FlushAll(t)
				foreign(t, env.Client, "k", "string")
				if err := put(ttl); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				wantStored(t, env.Client, "k", nil)
				wantStored(t, env.Client, control, text("E"))
				wantTTL(t, env.Client, control, life)
				if e, err := look(t, s, "k"); err != nil || e.State != store.Present || e.Wire.Len() != 0 || e.TTL <= life-time.Minute {
					t.Errorf("%s: Look: %v for %v, %v", name, e.State, e.TTL, err)
				}
				if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", fields(1)), time.Hour); ok || err != nil {
					t.Errorf("%s: PutIfAbsent over it: %v, %v", name, ok, err)
				}
				if ok, err := s.Touch(t.Context(), deadline(), "k", 3*time.Hour); !ok || err != nil {
					t.Errorf("%s: Touch: %v, %v", name, ok, err)
				}
				wantTTL(t, env.Client, control, 3*time.Hour)
				if ok, err := s.Touch(t.Context(), deadline(), "k", store.Forever); !ok || err != nil {
					t.Errorf("%s: Touch: %v, %v", name, ok, err)
				}
				wantTTL(t, env.Client, control, 10*365*24*time.Hour)
			}
		}
		if e, err := look(t, newStore(t, env.Client, codec.ShapeString), "k"); err != nil || e.State != store.Missing {
			t.Errorf("to a store of strings it is %v, %v", e.State, err)
		}
		if ok, err := newStore(t, env.Client, codec.ShapeString).Touch(t.Context(), deadline(), "k", time.Hour); ok || err != nil {
			t.Errorf("a store of strings touches it: %v, %v", ok, err)
		}
	})
}

func TestPutIfAbsent(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		for _, ttl := range []time.Duration{time.Hour, store.Forever} {
			env.FlushAll(t)
			env.Client.Set(t.Context(), store.ControlKey("k"), "N", time.Minute)
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", value), ttl); !ok || err != nil {
				t.Fatalf("the first: %v, %v", ok, err)
			}
			wantStored(t, env.Client, "k", value)
			wantStored(t, env.Client, store.ControlKey("k"), nil)
			wantTTL(t, env.Client, "k", ttl)
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", content{"": "another"}), 5*time.Hour); ok || err != nil {
				t.Errorf("the second: %v, %v", ok, err)
			}
			wantStored(t, env.Client, "k", value)
			wantTTL(t, env.Client, "k", ttl)
		}
	})
}

func TestTouch(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		if ok, err := s.Touch(t.Context(), deadline(), "k", time.Hour); ok || err != nil {
			t.Errorf("Touch of nothing: %v, %v", ok, err)
		}
		if err := s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour); err != nil {
			t.Fatal(err)
		}
		for _, ttl := range []time.Duration{5 * time.Hour, store.Forever, 30 * time.Minute} {
			if ok, err := s.Touch(t.Context(), deadline(), "k", ttl); !ok || err != nil {
				t.Errorf("Touch: %v, %v", ok, err)
			}
			wantTTL(t, env.Client, "k", ttl)
		}
		wantStored(t, env.Client, "k", value)
		if err := s.PutAbsent(t.Context(), deadline(), "k", time.Hour); err != nil {
			t.Fatal(err)
		}
		if ok, err := s.Touch(t.Context(), deadline(), "k", 5*time.Hour); ok || err != nil {
			t.Errorf("Touch of an absent mark: %v, %v", ok, err)
		}
		wantTTL(t, env.Client, store.ControlKey("k"), time.Hour)
	})
}

func TestLargeValues(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, tt := range []struct {
			shape codec.Shape
			value content
		}{
			{codec.ShapeString, text(strings.Repeat("0123456789abcdef", 1<<16))},
			{codec.ShapeString, text("")},
			{codec.ShapeHash, fields(10_000)},
			{codec.ShapeHash, fields(1000)},
			{codec.ShapeHash, fields(1001)},
			{codec.ShapeHash, content{"large": strings.Repeat("x", 1<<20), "empty": ""}},
		} {
			s := newStore(t, env.Client, tt.shape)
			for name, put := range map[string]func() error{
				"Put": func() error { return s.Put(t.Context(), deadline(), "k", entry("k", tt.value), time.Hour) },
				"PutIfAbsent": func() error {
					_, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", tt.value), time.Hour)
					return err
				},
			} {
				env.FlushAll(t)
				if err := put(); err != nil {
					t.Fatal(err)
				}
				wantStored(t, env.Client, "k", tt.value)
				if got, found, err := read(t, s, "k"); !found || err != nil || !maps.Equal(got, tt.value) {
					t.Errorf("%s of %d parts, then Read: %d parts, %v, %v", name, len(tt.value), len(got), found, err)
				}
				if e, err := look(t, s, "k"); err != nil || e.State != store.Present || !maps.Equal(contentOf(e), tt.value) {
					t.Errorf("%s of %d parts, then Look: %d parts, %v", name, len(tt.value), e.Wire.Len(), err)
				}
			}
		}
	})
}

func TestDelete(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		if env.Mini != nil {
			env.Mini.ClockTTL(false) // which visits all keys on each command
		}
		keys := make([]string, 2500)
		p := env.Client.Pipeline()
		for i := range keys {
			keys[i] = "user:" + strconv.Itoa(i)
			p.Set(t.Context(), keys[i], "v", 0)
			p.Set(t.Context(), store.ControlKey(keys[i]), "N", 0)
		}
		p.Set(t.Context(), "user:2500", "stays", 0)
		if _, err := p.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, keys[0]) // twice
		if failed := s.Delete(t.Context(), deadline(), keys); failed != nil {
			t.Fatalf("%d failed, such as %v", len(failed), failed)
		}
		if n := size(t, env.Client); n != 1 {
			t.Errorf("%d keys are left, want the one that was not deleted", n)
		}
		if failed := s.Delete(t.Context(), deadline(), nil); failed != nil {
			t.Errorf("a delete of nothing: %v", failed)
		}
	})
}

// size counts the keys of all masters.
func size(t *testing.T, rdb redis.UniversalClient) int64 {
	t.Helper()
	var n atomic.Int64
	eachMaster(t, rdb, func(ctx context.Context, c *redis.Client) error {
		size, err := c.DBSize(ctx).Result()
		n.Add(size)
		return err
	})
	return n.Load()
}

func flushScripts(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	eachMaster(t, rdb, func(ctx context.Context, c *redis.Client) error { return c.ScriptFlush(ctx).Err() })
}

func eachMaster(t *testing.T, rdb redis.UniversalClient, f func(context.Context, *redis.Client) error) {
	t.Helper()
	var err error
	switch c := rdb.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(t.Context(), f)
	case *redis.Client:
		err = f(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestScriptsSurviveScriptFlush(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		for range 2 {
			flushScripts(t, env.Client)
			env.FlushAll(t)
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", value), time.Hour); !ok || err != nil {
				t.Errorf("PutIfAbsent: %v, %v", ok, err)
			}
			if ok, err := s.Touch(t.Context(), deadline(), "k", time.Hour); !ok || err != nil {
				t.Errorf("Touch: %v, %v", ok, err)
			}
		}
	})
}

// Both versions of the protocol frame answers in their own way.
func TestProtocols(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, protocol := range []int{2, 3} {
			rdb := env.NewClient(t, func(o *redis.UniversalOptions) { o.Protocol = protocol })
			for _, sh := range shapes {
				env.FlushAll(t)
				s := newStore(t, rdb, sh.shape)
				if _, found, err := read(t, s, "k"); found || err != nil {
					t.Errorf("RESP%d: Read of nothing: %v, %v", protocol, found, err)
				}
				if e, err := look(t, s, "k"); e.State != store.Missing || err != nil {
					t.Errorf("RESP%d: Look at nothing: %v, %v", protocol, e.State, err)
				}
				if err := s.Put(t.Context(), deadline(), "k", entry("k", sh.value), time.Hour); err != nil {
					t.Fatal(err)
				}
				if got, found, err := read(t, s, "k"); !found || err != nil || !maps.Equal(got, sh.value) {
					t.Errorf("RESP%d: Read: %q, %v, %v", protocol, got, found, err)
				}
				if e, err := look(t, s, "k"); err != nil || !maps.Equal(contentOf(e), sh.value) {
					t.Errorf("RESP%d: Look: %q, %v", protocol, contentOf(e), err)
				}
				foreign(t, env.Client, store.ControlKey("k"), "list")
				env.Client.Del(t.Context(), "k")
				foreign(t, env.Client, "k", sh.other)
				if _, found, err := read(t, s, "k"); found || err != store.ErrWrongType {
					t.Errorf("RESP%d: Read of a %s: %v, %v", protocol, sh.other, found, err)
				}
			}
		}
	})
}
