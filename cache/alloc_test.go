package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// account is a struct of twelve fields, about 300 bytes when it is stored.
type account struct {
	ID      int64   `redis:"id" msgpack:"id"`
	Email   string  `redis:"email" msgpack:"email"`
	Name    string  `redis:"name" msgpack:"name"`
	Street  string  `redis:"street" msgpack:"street"`
	City    string  `redis:"city" msgpack:"city"`
	Country string  `redis:"country" msgpack:"country"`
	Age     int     `redis:"age" msgpack:"age"`
	Score   float64 `redis:"score" msgpack:"score"`
	Active  bool    `redis:"active" msgpack:"active"`
	Logins  uint32  `redis:"logins" msgpack:"logins"`
	Created int64   `redis:"created" msgpack:"created"`
	Bio     string  `redis:"bio" msgpack:"bio"`
}

var sample = account{
	ID: 42, Email: "ada.lovelace@example.org", Name: "Ada Lovelace", Street: "12 St James's Square", City: "London", Country: "United Kingdom",
	Age: 36, Score: 99.5, Active: true, Logins: 1815, Created: 1714979289,
	Bio: "Wrote the first program for a machine that had not been built, and saw that it could do more than numbers.",
}

// Allocations of a hit: those of the client and the cache, and of the strings of
// the value. The server answers without any.
func TestHitAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold at random")
	}
	hitAllocations(t, "text", codec.Text[string](), sample.Bio, 4)
	hitAllocations(t, "msgpack", codec.Msgpack[account](), sample, 5)
	hitAllocations(t, "hash", hashmap.MustOf[account](), sample, 32)
	hitAllocations(t, "list", codec.List(codec.Text[string]()), []string{sample.Name, sample.Email, sample.City}, 9)
	hitAllocations(t, "set", codec.Set(codec.Text[string]()), map[string]struct{}{sample.Name: {}, sample.City: {}}, 10)
	hitAllocations(t, "sorted set", codec.SortedSet(codec.Text[string]()), []codec.Scored[string]{{Elem: sample.Name, Score: 0.5}, {Elem: sample.City, Score: 1}}, 9)
}

// Allocations of a hit with StaleFor: those of the pipeline that asks for the TTL as well.
func TestHitAllocationsWithStaleFor(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold at random")
	}
	stub := &stubServer{answer: append([]byte(":180000\r\n"), answerOf(t, codec.Msgpack[account](), sample)...)}
	rdb := redis.NewClient(&redis.Options{Dialer: stub.dial, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	c := open(t, rdb, cache.Config[int64, account]{TTL: 3 * time.Minute, StaleFor: time.Minute})
	load := func(context.Context, int64) (account, error) { panic("a load of what is there") }
	allocations(t, 13, func() error {
		_, err := c.GetOrSet(context.Background(), 42, load)
		return err
	})
}

// Allocations of a read of two fields.
func TestGetFieldsAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold at random")
	}
	stub := &stubServer{answer: []byte("*2\r\n$3\r\nAda\r\n$3\r\n1.5\r\n")}
	rdb := redis.NewClient(&redis.Options{Dialer: stub.dial, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	c := open(t, rdb, cache.Config[int64, person]{Codec: persons})
	ctx := context.Background()
	var p person
	allocs := testing.AllocsPerRun(1000, func() {
		ok, err := c.GetFields(ctx, 42, nil, nameField.Into(&p.Name), rankField.Into(&p.Rank))
		if !ok || err != nil || p.Name != "Ada" || p.Rank != 1.5 {
			t.Fatal(p, ok, err)
		}
	})
	t.Logf("%v allocations", allocs)
	if allocs > 20 {
		t.Errorf("%v allocations, the budget is 20", allocs)
	}
}

// Allocations of misses that are predicted, with a lease each: those of the client and the
// cache, but for what the loader makes. The server says yes to all.
func TestMissAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold at random")
	}
	t.Run("one", func(t *testing.T) {
		c := yesCache(t, ":1\r\n")
		load := func(context.Context, int64) (account, error) { return sample, nil }
		allocations(t, 38, func() error {
			_, err := c.GetOrSet(context.Background(), 42, load)
			return err
		})
	})
	t.Run("a hundred", func(t *testing.T) {
		const n = 100
		c := yesCache(t, "*100\r\n"+strings.Repeat(":1\r\n", n))
		keys, loaded := make([]int64, n), make(map[int64]account, n)
		for i := range keys {
			keys[i] = int64(i)
			loaded[keys[i]] = sample
		}
		load := func(context.Context, []int64) (map[int64]account, error) { return loaded, nil }
		batchAllocations(t, 1230, 284<<10, func() (int, error) {
			got, err := c.GetOrSetMany(context.Background(), keys, load)
			return len(got), err
		})
	})
}

// Allocations of writes: those of the client and the cache.
func TestWriteAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold at random")
	}
	t.Run("Set", func(t *testing.T) {
		c := yesCache(t, ":1\r\n")
		allocations(t, 23, func() error { return c.Set(context.Background(), 42, sample) })
	})
	t.Run("Delete", func(t *testing.T) {
		c := yesCache(t, ":1\r\n")
		allocations(t, 19, func() error { return c.Delete(context.Background(), 42) })
	})
}

// yesCache is a cache of a server that answers all commands alike.
func yesCache(t testing.TB, answer string) *cache.Cache[int64, account] {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Dialer: (&stubServer{answer: []byte(answer)}).dial, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	return open(t, rdb, cache.Config[int64, account]{})
}

func allocations(t *testing.T, budget float64, do func() error) {
	t.Helper()
	for range 1000 { // the cache sees that misses are likely
		_ = do()
	}
	allocs := testing.AllocsPerRun(1000, func() {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%v allocations", allocs)
	if allocs > budget {
		t.Errorf("%v allocations, the budget is %v", allocs, budget)
	}
}

func hitAllocations[V any](t *testing.T, name string, codec codec.Codec[V], v V, budget float64) {
	t.Run(name, func(t *testing.T) {
		stub := &stubServer{answer: answerOf(t, codec, v)}
		rdb := redis.NewClient(&redis.Options{Dialer: stub.dial, Protocol: 2, DisableIdentity: true})
		t.Cleanup(func() { _ = rdb.Close() })
		c := open(t, rdb, cache.Config[int64, V]{Codec: codec})
		load := func(context.Context, int64) (V, error) { panic("a load of what is there") }
		ctx := context.Background()
		for method, call := range map[string]func() (V, error){
			"Get":      func() (V, error) { v, _, err := c.Get(ctx, 42); return v, err },
			"GetOrSet": func() (V, error) { return c.GetOrSet(ctx, 42, load) },
		} {
			got, err := call()
			want(t, method, got, err, v)
			allocs := testing.AllocsPerRun(1000, func() {
				if _, err := call(); err != nil {
					t.Fatal(err)
				}
			})
			t.Logf("%s of a hit: %v allocations", method, allocs)
			if allocs > budget {
				t.Errorf("%s of a hit: %v allocations, the budget is %v", method, allocs, budget)
			}
		}
	})
}

// answerOf is what Redis sends for a stored value.
func answerOf[V any](t testing.TB, c codec.Codec[V], v V) []byte {
	t.Helper()
	var w codec.Wire
	if err := c.Encode(&w, &v); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	bulk := func(part []byte) { fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(part), part) }
	switch c.Shape() {
	case codec.ShapeHash, codec.ShapeSortedSet:
		fmt.Fprintf(&b, "*%d\r\n", 2*w.Len())
	case codec.ShapeList, codec.ShapeSet:
		fmt.Fprintf(&b, "*%d\r\n", w.Len())
	}
	for i := range w.Len() {
		if c.Shape() == codec.ShapeHash {
			bulk(w.Name(i))
		}
		bulk(w.Value(i))
		if c.Shape() == codec.ShapeSortedSet {
			bulk(w.Name(i))
		}
	}
	return b.Bytes()
}

// A stubServer answers every command with the same bytes, but does not know what
// go-redis sets a connection up with, and can do without.
type stubServer struct{ answer []byte }

func (s *stubServer) dial(context.Context, string, string) (net.Conn, error) {
	return &stubConn{answer: s.answer}, nil
}

type stubConn struct {
	answer  []byte
	pending []byte // lent from answer
}

var (
	unknown    = []byte("-ERR unknown command\r\n")
	helloWord  = []byte("hello\r\n")
	clientWord = []byte("client\r\n")
)

func (c *stubConn) Write(p []byte) (int, error) {
	c.pending = c.answer
	if bytes.Contains(p, helloWord) || bytes.Contains(p, clientWord) {
		c.pending = unknown
	}
	return len(p), nil
}

func (c *stubConn) Read(p []byte) (int, error) {
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

func (c *stubConn) Close() error                     { return nil }
func (c *stubConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *stubConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *stubConn) SetDeadline(time.Time) error      { return nil }
func (c *stubConn) SetReadDeadline(time.Time) error  { return nil }
func (c *stubConn) SetWriteDeadline(time.Time) error { return nil }
