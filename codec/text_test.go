package codec_test

import (
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

func TestTextContract(t *testing.T) {
	t.Run("string", func(t *testing.T) { codectest.Run(t, codec.Text[name](), "", "ann", "a\x00\xff b") })
	t.Run("bytes", func(t *testing.T) { codectest.Run(t, codec.Text[blob](), blob{}, blob("a\x00b")) })
	t.Run("bool", func(t *testing.T) { codectest.Run(t, codec.Text[bool](), true, false) })
	t.Run("int8", func(t *testing.T) { codectest.Run(t, codec.Text[level](), -128, 0, 127) })
	t.Run("uint64", func(t *testing.T) { codectest.Run(t, codec.Text[uint64](), 0, 1<<64-1) })
	t.Run("float64", func(t *testing.T) { codectest.Run(t, codec.Text[float64](), 0, 0.1, -1e300) })
	t.Run("duration", func(t *testing.T) { codectest.Run(t, codec.Text[time.Duration](), 0, -time.Nanosecond, time.Hour) })
	t.Run("addr", func(t *testing.T) {
		codectest.Run(t, codec.Text[netip.Addr](), netip.MustParseAddr("::1"), netip.Addr{})
	})
	t.Run("pointer", func(t *testing.T) {
		codectest.Suite[*big.Int]{
			Codec:   codec.Text[*big.Int](),
			Values:  []*big.Int{big.NewInt(0), big.NewInt(-7)},
			Refused: []*big.Int{nil},
			Equal:   func(a, b *big.Int) bool { return a.Cmp(b) == 0 },
		}.Run(t)
	})
	t.Run("color", func(t *testing.T) {
		codectest.Suite[color]{Codec: codec.Text[color](), Values: []color{0, 1}, Refused: []color{2}, Deterministic: true}.Run(t)
	})
	t.Run("time", func(t *testing.T) {
		codectest.Suite[time.Time]{
			Codec:   codec.Text[time.Time](),
			Values:  []time.Time{{}, time.Unix(1, 1), time.Unix(1, 1).UTC()},
			Refused: []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
			Equal:   time.Time.Equal,
		}.Run(t)
	})
}

func TestTextWithoutTextForm(t *testing.T) {
	c := codec.Text[map[string]int]()
	var w codec.Wire
	w.Reset("k")
	w.Add(nil, nil)
	for what, err := range map[string]error{
		"Check":  c.Check(),
		"Encode": c.Encode(&w, new(map[string]int)),
		"Decode": c.Decode(&w, new(map[string]int)),
	} {
		if err == nil || !strings.Contains(err.Error(), "map[string]int has no text form") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// budget checks what a reused wire costs, in allocations, through the interface
// that the cache holds a codec by.
func budget[V any](t *testing.T, c codec.Codec[V], v V, encode, decode float64) {
	t.Helper()
	var w codec.Wire
	step := func() {
		w.Reset("k")
		if err := c.Encode(&w, &v); err != nil {
			t.Fatal(err)
		}
	}
	step() // grows the arena
	var back V
	both := func() {
		step()
		var zero V
		back = zero
		if err := c.Decode(&w, &back); err != nil {
			t.Fatal(err)
		}
	}
	e := testing.AllocsPerRun(200, step)
	if d := testing.AllocsPerRun(200, both) - e; e > encode || d > decode {
		t.Errorf("%T: %v allocations to encode and %v to decode, want at most %v and %v", v, e, d, encode, decode)
	}
}

func TestTextAllocations(t *testing.T) {
	budget(t, codec.Text[string](), "a string that is long enough to need the heap", 0, 1)
	budget(t, codec.Text[name](), "ann and some more to need the heap", 0, 1)
	budget(t, codec.Text[[]byte](), []byte("bytes"), 0, 1)
	budget(t, codec.Text[bool](), true, 0, 0)
	budget(t, codec.Text[int64](), -1<<63, 0, 0)
	budget(t, codec.Text[level](), 3, 0, 0)
	budget(t, codec.Text[uint64](), 1<<64-1, 0, 0)
	budget(t, codec.Text[float64](), 1.7976931348623157e+308, 0, 0)
	budget(t, codec.Text[time.Duration](), -1<<63, 0, 0)
	budget(t, codec.Text[time.Time](), time.Unix(1, 1).UTC(), 0, 0)
	budget(t, codec.Bytes[blob](), blob("bytes"), 0, 1)
}
