package cache_test

import (
	"errors"
	"iter"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

type (
	named   string
	number  uint16
	id      [16]byte // as UUIDs are
	pair    struct{ A, B string }
	private struct {
		a string
		_ int
		b number
	}
	nest struct {
		Pair pair
		Rest string
	}
	only  struct{ A string }
	bare  struct{}
	outer struct {
		When time.Duration
		Addr netip.Addr
		ID   id
		OK   bool
	}
	picky struct{ text string } // has pointer methods, and refuses some texts

)

func (i id) MarshalText() ([]byte, error) {
	return []byte(strings.ToUpper(string(i[:4])) + "-" + string(i[4:8])), nil
}

func (p *picky) AppendText(dst []byte) ([]byte, error) {
	if p.text == "refused" {
		return append(dst, "half of it"...), errors.New("picky: refused")
	}
	return append(dst, p.text...), nil
}

// keyRefusals are key types that have no text form.
func keyRefusals(rdb redis.UniversalClient) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		_ = yield("key of floats", refuseKey[float64](rdb)) &&
			yield("key of pointers", refuseKey[*string](rdb)) &&
			yield("key of interfaces", refuseKey[any](rdb)) &&
			yield("key of arrays", refuseKey[[2]int](rdb)) &&
			yield("key with a field of floats", refuseKey[struct{ Pos struct{ X float64 } }](rdb)) &&
			yield("key with pointers that have text", refuseKey[*id](rdb))
	}
}

func refuseKey[K comparable](rdb redis.UniversalClient) error {
	_, err := cache.New(rdb, cache.Config[K, string]{Name: "user", TTL: time.Minute})
	return err
}

// The text of keys is part of the stored format.
func TestKeyText(t *testing.T) {
	var b strings.Builder
	keyTexts(t, &b, "", "a", "a b", "a:b", "100%", "{tag}", "}", "é", "\xff\x00\r\n", "a%3Ab")
	keyTexts(t, &b, named("named:x"), "")
	keyTexts(t, &b, 42, -1, 0, math.MinInt64)
	keyTexts[uint64](t, &b, math.MaxUint64)
	keyTexts(t, &b, number(7))
	keyTexts(t, &b, true, false)
	keyTexts(t, &b, 90*time.Second)
	keyTexts(t, &b, time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC))
	keyTexts(t, &b, netip.MustParseAddr("::1"), netip.MustParseAddr("10.0.0.1"), netip.Addr{})
	keyTexts(t, &b, id([]byte("abcdefghijklmnop")))
	keyTexts(t, &b, pair{"a:b", "c"}, pair{"a", "b:c"}, pair{"a%", "%3A"}, pair{"", ""}, pair{"{x}", "y z"})
	keyTexts(t, &b, private{a: "x", b: 3})
	keyTexts(t, &b, nest{pair{"a", "b"}, "c"}, nest{pair{"a:b", ""}, "%"}, nest{})
	keyTexts(t, &b, only{"a:b"}, only{""})
	keyTexts(t, &b, bare{})
	keyTexts(t, &b, outer{90 * time.Second, netip.MustParseAddr("fe80::1%eth:0"), id([]byte("a:cd%fghijklmnop")), true})
	keyTexts(t, &b, picky{"fine"}, picky{"refused"})
	golden(t, "keys.txt", b.String())
}

func keyTexts[K comparable](t *testing.T, b *strings.Builder, keys ...K) {
	t.Helper()
	c := open(t, unused(t), cache.Config[K, string]{Name: "n"})
	for _, key := range keys {
		b.WriteString(strings.TrimPrefix(strings.Trim(strconv.Quote(c.RedisKey(key)), `"`), "n:") + "\n")
	}
}

// Different keys have different texts.
func FuzzKeysDoNotCollide(f *testing.F) {
	f.Add("a:b", "c", "a", "b:c")
	f.Add("a%3Ab", "", "a:b", "")
	f.Add("%", "25", "%25", "")
	f.Add("", "", "", ":")
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	f.Cleanup(func() { _ = rdb.Close() })
	pairs := cache.Must(cache.New(rdb, cache.Config[pair, string]{Name: "n", TTL: time.Minute}))
	nests := cache.Must(cache.New(rdb, cache.Config[nest, string]{Name: "n", TTL: time.Minute}))
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		differ(t, pairs, pair{a, b}, pair{c, d})
		differ(t, pairs, pair{a + ":" + b, c}, pair{a, b + ":" + c})
		differ(t, nests, nest{pair{a, b}, c}, nest{pair{a, b + c}, d})
		differ(t, nests, nest{pair{a, b}, c}, nest{pair{c, d}, a})
	})
}

func differ[K comparable](t *testing.T, c *cache.Cache[K, string], a, b K) {
	t.Helper()
	if textA, textB := c.RedisKey(a), c.RedisKey(b); (a == b) != (textA == textB) {
		t.Errorf("%#v and %#v have the texts %q and %q", a, b, textA, textB)
	}
}

// A key whose text cannot be made fails each call, and none takes another key.
func TestKeysThatFail(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[picky, string]{})
		if got := c.RedisKey(picky{"refused"}); got != "" {
			t.Errorf("RedisKey = %q", got)
		}
		failsToEncode(t, c, picky{"refused"})
		if keys := env.Mini.Keys(); len(keys) != 0 {
			t.Errorf("keys in Redis: %q", keys)
		}
		if err := c.Delete(t.Context(), picky{"fine"}, picky{"refused"}); !errors.Is(err, cache.ErrEncode) {
			t.Errorf("Delete of many: %v", err)
		}

		careless := open(t, env.Client, cache.Config[string, string]{Key: func(dst []byte, key string) []byte { return []byte(key) }})
		failsToEncode(t, careless, "does not append")
		own := open(t, env.Client, cache.Config[string, string]{Key: func(dst []byte, key string) []byte { return append(dst, "own/"+key...) }})
		want(t, "RedisKey", own.RedisKey("k"), nil, "test:own/k")
	})
}

// failsToEncode checks that every method refuses the key.
func failsToEncode[K comparable](t *testing.T, c *cache.Cache[K, string], key K) {
	t.Helper()
	_, err1 := c.GetOrSet(t.Context(), key, nil)
	_, _, err2 := c.Get(t.Context(), key)
	_, err3 := c.Entry(t.Context(), key)
	_, err4 := c.SetIfAbsent(t.Context(), key, "v")
	_, err5 := c.Touch(t.Context(), key)
	_, err6 := c.Refresh(t.Context(), key, nil)
	for i, err := range []error{err1, err2, err3, err4, err5, err6, c.Set(t.Context(), key, "v"), c.SetAbsent(t.Context(), key), c.Delete(t.Context(), key)} {
		if !errors.Is(err, cache.ErrEncode) {
			t.Errorf("call %d: error %v, want ErrEncode", i+1, err)
		}
	}
}

// A key that Redis would not take is refused, and not quoted.
func TestHugeKeys(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("takes 512 MB of memory, and half a minute under the race detector")
	}
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{})
		huge := make([]byte, 256<<20)
		_, _, err := c.Get(t.Context(), unsafe.String(&huge[0], len(huge)))
		if !errors.Is(err, cache.ErrEncode) || len(err.Error()) > 200 {
			t.Errorf("Get of a key of 256 MB: %.300v", err)
		}
		long := strings.Repeat("k", 1<<20)
		if err := c.Set(t.Context(), long, "v"); err != nil {
			t.Errorf("Set of a key of 1 MB: %.300v", err)
		}
		wantGet(t, c, long, &[]string{"v"}[0])
		env.Mini.SetError("ERR no")
		if _, _, err := c.Get(t.Context(), long); err == nil || len(err.Error()) > 600 {
			t.Errorf("Get of a key of 1 MB that fails: %d bytes of error", len(err.Error()))
		}
	})
}
