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
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// longTimeout is far more than any answer takes that a test waits for.
const longTimeout = 30 * time.Second

func deadline() time.Time { return time.Now().Add(longTimeout) }

func newStore(t testing.TB, rdb redis.UniversalClient, shape codec.Shape) *store.Store {
	t.Helper()
	s, err := store.New(rdb, shape, longTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// A content is what a value key holds, by name: the fields of a hash; the elements of
// a sorted set by their scores, of which each is there once; a string under "", and
// the elements of lists and sets in alphabetical order, see unnamed.
type content map[string]string

func text(s string) content { return content{"": s} }

func elements(elems ...string) content {
	c := make(content, len(elems))
	for i, elem := range slices.Sorted(slices.Values(elems)) {
		c[unnamed(i)] = elem
	}
	return c
}

// unnamed stands for the name of the i-th part that has none.
func unnamed(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprintf("#%06d", i)
}

// large is a value of n parts.
func large(shape codec.Shape, n int) content {
	c := make(content, n)
	for i := range n {
		switch value := "value" + strconv.Itoa(i); shape {
		case codec.ShapeString:
			return text(strings.Repeat("x", n))
		case codec.ShapeHash:
			c["field"+strconv.Itoa(i)] = value
		case codec.ShapeSortedSet:
			c[strconv.Itoa(i)] = value
		default:
			c[unnamed(i)] = fmt.Sprintf("value%06d", i)
		}
	}
	return c
}

// entry puts c into a new Entry.
func entry(key string, c content) *store.Entry {
	e := new(store.Entry)
	e.Wire.Reset(key)
	for _, name := range slices.Sorted(maps.Keys(c)) {
		var n []byte
		if name != "" && name[0] != '#' {
			n = []byte(name)
		}
		e.Wire.Add(n, []byte(c[name]))
	}
	return e
}

// contentOf is what e holds.
func contentOf(e *store.Entry) content {
	c := make(content)
	var elems []string
	for i := range e.Wire.Len() {
		if e.Wire.Name(i) == nil {
			elems = append(elems, string(e.Wire.Value(i)))
		} else {
			c[string(e.Wire.Name(i))] = string(e.Wire.Value(i))
		}
	}
	maps.Copy(c, elements(elems...))
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
	case "list":
		return elements(rdb.LRange(t.Context(), key, 0, -1).Val()...)
	case "set":
		return elements(rdb.SMembers(t.Context(), key).Val()...)
	case "zset":
		c := make(content)
		for _, z := range rdb.ZRangeWithScores(t.Context(), key, 0, -1).Val() {
			c[strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(z.Score, 'g', -1, 64), "+"))] = z.Member.(string)
		}
		return c
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
	return e, s.Inspect(t.Context(), deadline(), key, e, true)
}

// shapes are the shapes that a store serves, each with a value.
var shapes = []struct {
	shape codec.Shape
	value content
	other string // a type that the store does not read
}{
	{codec.ShapeString, text("héllo\r\n$-1\r\n\x00"), "list"},
	{codec.ShapeHash, content{"name": "Ann", "note": "", "a b": "\r\n*0\r\n", "\xff\x00": "x"}, "string"},
	{codec.ShapeList, elements("b", "", "a", "b", "\r\n*0\r\n", "\xff\x00"), "set"},
	{codec.ShapeSet, elements("b", "", "a", "\r\n*0\r\n", "\xff\x00"), "list"},
	{codec.ShapeSortedSet, content{"-inf": "b", "-1.5": "", "0": "a", "0.5": "\r\n*0\r\n", "1e+20": "\xff\x00", "inf": "c"}, "set"},
}

// shapeOf is the shape of a value out of shapes.
func shapeOf(value content) codec.Shape {
	for _, sh := range shapes {
		if maps.Equal(sh.value, value) {
			return sh.shape
		}
	}
	panic("a value of no shape")
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
				wantStored(t, env.Client, rediskey.ControlKey(key), nil)
				wantTTL(t, env.Client, key, ttl)
				got, found, err := read(t, s, key)
				if !found || err != nil || !maps.Equal(got, value) {
					t.Errorf("Read %q: %q, %v, %v", key, got, found, err)
				}
				e, err := look(t, s, key)
				if err != nil || e.State != store.Present || !maps.Equal(contentOf(e), value) {
					t.Errorf("Inspect %q: %q, %v, %v", key, contentOf(e), e.State, err)
				}
				if ttl == store.Forever && e.TTL != ttl || ttl > 0 && (e.TTL > ttl || e.TTL < ttl-time.Minute) {
					t.Errorf("Inspect %q: remaining life %v of %v", key, e.TTL, ttl)
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
			t.Errorf("Inspect: %v, %v, %v", e.State, e.TTL, err)
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
			{codec.ShapeHash, large(codec.ShapeHash, 10_000)},
			{codec.ShapeHash, large(codec.ShapeHash, 1000)},
			{codec.ShapeHash, large(codec.ShapeHash, 1001)},
			{codec.ShapeList, large(codec.ShapeList, 5001)},
			{codec.ShapeSet, large(codec.ShapeSet, 5001)},
			{codec.ShapeSortedSet, large(codec.ShapeSortedSet, 5001)},
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
					t.Errorf("%s of %d parts, then Inspect: %d parts, %v", name, len(tt.value), e.Wire.Len(), err)
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
					t.Errorf("RESP%d: Inspect at nothing: %v, %v", protocol, e.State, err)
				}
				if err := s.Put(t.Context(), deadline(), "k", entry("k", sh.value), time.Hour); err != nil {
					t.Fatal(err)
				}
				if got, found, err := read(t, s, "k"); !found || err != nil || !maps.Equal(got, sh.value) {
					t.Errorf("RESP%d: Read: %q, %v, %v", protocol, got, found, err)
				}
				if e, err := look(t, s, "k"); err != nil || !maps.Equal(contentOf(e), sh.value) {
					t.Errorf("RESP%d: Inspect: %q, %v", protocol, contentOf(e), err)
				}
				foreign(t, env.Client, rediskey.ControlKey("k"), "list")
				env.Client.Del(t.Context(), "k")
				foreign(t, env.Client, "k", sh.other)
				if _, found, err := read(t, s, "k"); found || err != store.ErrWrongType {
					t.Errorf("RESP%d: Read of a %s: %v, %v", protocol, sh.other, found, err)
				}
			}
		}
	})
}

// A list keeps its order and what is there twice, whatever it takes to store it.
func TestListOrder(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		s := newStore(t, env.Client, codec.ShapeList)
		var want []string
		for i := range 3456 {
			want = append(want, strconv.Itoa(i*7919%100))
		}
		list := func() *store.Entry {
			e := new(store.Entry)
			for _, elem := range want {
				e.Wire.Add(nil, []byte(elem))
			}
			return e
		}
		for name, put := range map[string]func() (bool, error){
			"Put":         func() (bool, error) { return true, s.Put(t.Context(), deadline(), "k", list(), time.Hour) },
			"PutIfAbsent": func() (bool, error) { return s.PutIfAbsent(t.Context(), deadline(), "k", list(), time.Hour) },
			"a lease": func() (bool, error) {
				claim, err := s.Acquire(t.Context(), deadline(), "k", time.Minute, false)
				if err != nil {
					return false, err
				}
				return claim.Lease.Store(t.Context(), deadline(), list(), time.Hour)
			},
		} {
			env.FlushAll(t)
			if ok, err := put(); !ok || err != nil {
				t.Fatalf("%s: %v, %v", name, ok, err)
			}
			if got := env.Client.LRange(t.Context(), "k", 0, -1).Val(); !slices.Equal(got, want) {
				t.Errorf("%s: Redis has another list", name)
			}
			read, look := new(store.Entry), new(store.Entry)
			if ok, err := s.Read(t.Context(), "k", read, time.Now()); !ok || err != nil {
				t.Fatal(ok, err)
			}
			if err := s.Inspect(t.Context(), deadline(), "k", look, false); err != nil {
				t.Fatal(err)
			}
			for i, elem := range want {
				if string(read.Wire.Value(i)) != elem || string(look.Wire.Value(i)) != elem {
					t.Fatalf("%s: element %d is %q and %q, want %q", name, i, read.Wire.Value(i), look.Wire.Value(i), elem)
				}
			}
		}
	})
}
