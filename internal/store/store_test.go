package store_test

import (
	"context"
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
