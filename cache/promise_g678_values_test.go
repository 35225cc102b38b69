package cache_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// No value of a user is mistaken for "does not exist", nor for anything else that
// the cache notes of a key.
func TestG6NoMagicValues(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		values := []string{"", "N", "E", "L0123456789abcdef", "*", "\x00", "nil", "(nil)", "$-1\r\n", "_\r\n", "-ERR", "-WRONGTYPE", cache.ErrNotFound.Error()}
		for _, v := range values {
			if err := c.Set(t.Context(), v, v); err != nil {
				t.Fatal(err)
			}
			wantState(t, c, v, cache.Present)
			got, err := c.GetOrSet(t.Context(), v, never[string](t))
			want(t, "GetOrSet", got, err, v)
		}
	})
}

// An absent mark of one key is none of another, and ends with its TTL.
func TestG6AbsenceIsRemembered(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{Jitter: -1})
		runs := 0
		load := func(context.Context, string) (string, error) { runs++; return "", cache.ErrNotFound }
		for range 60 {
			v, err := c.GetOrSet(t.Context(), "k", load)
			wantError(t, "GetOrSet", v, err, cache.ErrNotFound)
			time.Sleep(time.Second)
		}
		if runs != 1 {
			t.Errorf("%d loads within AbsentTTL, want one", runs)
		}
		_, _ = c.GetOrSet(t.Context(), "k", load)
		if runs != 2 {
			t.Errorf("%d loads after AbsentTTL, want two", runs)
		}
	})
}

// The zero value of every kind of type is a hit, with the codec it gets by default.
func TestG7ZeroValuesAreHits(t *testing.T) {
	zeroIsHit(t, "", "")
	zeroIsHit(t, false, false)
	zeroIsHit(t, 0, 0)
	zeroIsHit(t, 0.0, 0.0)
	zeroIsHit(t, []byte(nil), []byte{})
	zeroIsHit(t, []byte{}, []byte{})
	zeroIsHit(t, time.Duration(0), 0)
	zeroIsHit(t, time.Time{}, time.Time{})
	zeroIsHit(t, struct{}{}, struct{}{})
	zeroIsHit(t, person{}, person{})
	zeroIsHit(t, (*person)(nil), (*person)(nil))
	zeroIsHit(t, []string(nil), []string(nil))
	zeroIsHit(t, []string{}, []string{})
	zeroIsHit(t, map[string]int{}, map[string]int{})
	zeroIsHit(t, [2]int{}, [2]int{})
	zeroIsHit(t, any(nil), any(nil))
}

func zeroIsHit[V any](t *testing.T, zero, wanted V) {
	t.Helper()
	name := fmt.Sprint(reflect.TypeFor[V]())
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, V]{})
		runs := 0
		_, err := c.GetOrSet(t.Context(), "k", value(zero, &runs))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		v, err := c.GetOrSet(t.Context(), "k", never[V](t))
		want(t, name+": GetOrSet", v, err, wanted)
		wantGet(t, c, "k", &wanted)
	})
}

// hostile are bytes that make careless decoders crash, hang or take all memory.
var hostile = []string{
	"", "\x00", "\xc1", "\xff",
	"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff\x01",
	"\x81\xa2id\xdb\xff\xff\xff\xff", "\x82\xa1i\x01\xa1i\x02", string(repeat(0x91, 1<<20)), string(repeat('[', 1<<20)), string(repeat('{', 1<<20)),
	"\x28\xb5\x2f\xfd\xa4\xff\xff\xff\xff", // a zstd frame that claims 4 GB
	"\x01\x00\x00\x00\x01",
}

func repeat(b byte, n int) []byte {
	s := make([]byte, n)
	for i := range s {
		s[i] = b
	}
	return s
}

// Whatever stands in Redis: no crash, memory in proportion to the bytes, and one
// load puts a value in its place.
func TestG8HostileBytes(t *testing.T) {
	heal(t, "msgpack", codec.Msgpack[person](), ann)
	heal(t, "msgpack of anything", codec.Msgpack[map[string]any](), map[string]any{"a": int8(1)})
	heal(t, "json", codec.JSON[map[string]any](), map[string]any{"a": 1.5})
	heal(t, "text", codec.Text[int](), 42)
	heal(t, "compressed", codec.Compress(codec.Msgpack[person](), codec.Zstd, 0), ann)
	heal(t, "s2", codec.Compress(codec.Msgpack[person](), codec.S2, 0), ann)
	heal(t, "sealed", codec.Encrypt(codec.Compress(codec.Msgpack[[]string](), codec.Zstd, 16), testcache.Keyring(1)), []string{"one", "two"})
}

func heal[V any](t *testing.T, name string, codec codec.Codec[V], v V) {
	for i, bytes := range hostile {
		t.Run(fmt.Sprint(name, i), func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c := open(t, env.Client, cache.Config[string, V]{Codec: codec})
				if err := env.Mini.Set(c.RedisKey("k"), bytes); err != nil {
					t.Fatal(err)
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				runs := 0
				got, err := c.GetOrSet(t.Context(), "k", value(v, &runs))
				runtime.ReadMemStats(&after)
				if err == nil && runs == 0 {
					t.Skip("these bytes are a value of this codec")
				}
				want(t, "GetOrSet", got, err, v)
				// The answer is read twice, by buffers that double; encoders keep windows of a few MB.
				if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20+uint64(32*len(bytes)) {
					t.Errorf("%d bytes in Redis cost %d bytes of memory", len(bytes), took)
				}
				got, err = c.GetOrSet(t.Context(), "k", never[V](t))
				want(t, "GetOrSet again", got, err, v)
			})
		})
	}
}

// A codec that cannot read what it has written makes every call load, once, and fail with
// ErrEncode: never a loop. One that panics over what it reads does no more harm.
func TestG8NeverALoop(t *testing.T) {
	for name, parse := range map[string]func(){"fails": func() {}, "panics": func() { panic("over the bytes") }} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				var r recorder
				c := open(t, env.Client, cache.Config[string, string]{Codec: codec.String(forgetful{parse}), Observer: r.observer()})
				runs := 0
				for range 5 {
					v, err := c.GetOrSet(t.Context(), "k", value("v", &runs))
					wantError(t, "GetOrSet", v, err, cache.ErrEncode)
				}
				if runs != 5 || len(r.take().errors) != 5 {
					t.Errorf("%d loads for five calls, want five", runs)
				}
				wantGet(t, c, "k", nil)
			})
		})
	}
}

// forgetful writes, and cannot read.
type forgetful struct{ parse func() }

func (forgetful) AppendValue(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }

func (f forgetful) ParseValue([]byte, *string) error {
	f.parse()
	return errors.New("what was that?")
}

// A hash with fields of the wrong form heals like any other entry.
func TestG8HostileHash(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, person]{Codec: hashmap.MustOf[person]()})
		for _, field := range []string{"id", "rank", "old"} {
			env.Mini.HSet(c.RedisKey(field), field, "no such thing", "unknown", "\xff")
			runs := 0
			v, err := c.GetOrSet(t.Context(), field, value(ann, &runs))
			want(t, "GetOrSet", v, err, ann)
			v, err = c.GetOrSet(t.Context(), field, never[person](t))
			want(t, "GetOrSet again", v, err, ann)
		}
	})
}
