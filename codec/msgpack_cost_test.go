package codec_test

import (
	"net/netip"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"
	"weak"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/asidecache/aside/codec"
)

// packAccount is a struct of 12 fields that takes about 300 bytes.
type packAccount struct {
	ID       int64
	Name     string
	Email    string
	Age      int
	Active   bool
	Score    float64
	Bio      string
	Created  time.Time
	Updated  time.Time
	Level    uint32
	Team     string
	Balances [2]int64
}

var account = packAccount{
	ID: 42, Name: "Ann Example", Email: "ann.example@example.org", Age: 33, Active: true, Score: 98.6,
	Bio:     "Plays the violin, climbs, and writes short stories about lighthouses at night.",
	Created: time.Unix(1700000000, 5), Updated: time.Unix(1710000000, 7),
	Level: 7, Team: "platform-infrastructure", Balances: [2]int64{123456, -1},
}

func TestMsgpackAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random and so changes allocation counts")
	}
	budget(t, codec.Msgpack[int](), 42, 0, 0)
	budget(t, codec.Msgpack[string](), strings.Repeat("x", 100), 0, 1)
	budget(t, codec.Msgpack[time.Time](), time.Unix(1, 1), 0, 0)
	budget(t, codec.Msgpack[[]byte](), []byte("bytes"), 0, 1)
	budget(t, codec.Msgpack[packAccount](), account, 0, 1)                                       // the strings together
	budget(t, codec.Msgpack[*packAccount](), &account, 0, 2)                                     // and the struct
	budget(t, codec.Msgpack[packOmit](), packOmit{Int: 1}, 0, 0)                                 // nor to ask IsZero
	budget(t, codec.Msgpack[[]packPoint](), make([]packPoint, 10), 0, 1)                         // the array
	budget(t, codec.Msgpack[[]string](), []string{"a", "b", "c"}, 0, 2)                          // the array, the strings together
	budget(t, codec.Msgpack[map[string]string](), map[string]string{"a": "b"}, 0, 3)             // the map in two, the strings
	budget(t, codec.Msgpack[map[string]int64](), map[string]int64{"a": 1}, 0, 3)                 // the map in two, the key
	budget(t, codec.Msgpack[map[int]packPoint](), map[int]packPoint{1: {1, 2}}, 0, 2)            // the map in two
	budget(t, codec.Msgpack[map[string]any](), map[string]any{"a": "b", "c": true}, 0, 4)        // the map in two, strings, one in an any
	budget(t, codec.Msgpack[packBase](), packBase{1, time.Unix(1, 0)}, 0, 0)                     // fields of an embedded struct as well
	budget(t, codec.Msgpack[netip.Addr](), netip.AddrFrom4([4]byte{1, 2, 3, 4}), 3, 2)           // what the methods cost
	budget(t, codec.Msgpack[msgpack.RawMessage](), msgpack.RawMessage("\x93\x01\x02\x03"), 3, 3) // what the library costs
}

// Unknown fields and fields in another order cost no memory.
func TestMsgpackSkippingDoesNotAllocate(t *testing.T) {
	k, err := codec.PackedOf(reflect.TypeFor[packPoint]())
	if err != nil {
		t.Fatal(err)
	}
	src := []byte("\x83\xa1Y\x02\xa7Unknown\x91\xa4text\xa1X\x01")
	var v packPoint
	if n := testing.AllocsPerRun(100, func() {
		if err := k.Parse(src, unsafe.Pointer(&v)); err != nil || v != (packPoint{1, 2}) {
			t.Fatal(v, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Short strings share memory, but not with the bytes, nor with each other's.
func TestMsgpackCopiesWhatItKeeps(t *testing.T) {
	want := []string{"", "a", strings.Repeat("b", 63), strings.Repeat("c", 64), strings.Repeat("d", 65)}
	for range 5 {
		want = append(want, want...)
	}
	src := []byte(stored(t, codec.Msgpack[[]string](), want))
	var got []string
	if err := codec.Msgpack[[]string]().ParseValue(src, &got); err != nil {
		t.Fatal(err)
	}
	clear(src)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q comes back as %q", want, got)
	}
}

// The strings of a struct that has few are in one allocation, which is no longer than they are:
// the names of the fields do not count.
func TestMsgpackStringsOfAStructAreTogether(t *testing.T) {
	k, err := codec.PackedOf(reflect.TypeFor[packAccount]())
	if err != nil {
		t.Fatal(err)
	}
	src := []byte(stored(t, codec.Msgpack[packAccount](), account))
	strings := len(account.Name) + len(account.Email) + len(account.Bio) + len(account.Team)
	const runs = 1000
	var before, after runtime.MemStats
	values := make([]packAccount, runs)
	runtime.ReadMemStats(&before)
	for i := range values {
		if err := k.Parse(src, unsafe.Pointer(&values[i])); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := int(after.TotalAlloc-before.TotalAlloc) / runs; got > strings*5/4 {
		t.Errorf("%d bytes are allocated for %d of strings", got, strings)
	}
	if !reflect.DeepEqual(values[runs-1], account) {
		t.Errorf("read as %+v", values[runs-1])
	}
}

// One short string keeps but a few others in memory.
func TestMsgpackSharesMemoryAmongFewStrings(t *testing.T) {
	c := codec.Msgpack[[]string]()
	got := parsed(t, c, stored(t, c, slices.Repeat([]string{strings.Repeat("x", 50)}, 1000)))
	address := func(i int) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(got[i]))) }
	together := 1
	for i := 1; i < len(got); i++ {
		if address(i) != address(i-1)+50 { // chunks are longer than 5 of them
			together = 1
		} else if together++; together > 5 {
			t.Fatalf("%d strings of 50 bytes share memory", together)
		}
	}
}

// The pooled copy of a value does not keep what the value pointed to.
func TestMsgpackForgetsTheValue(t *testing.T) {
	c := codec.Msgpack[packPointers]()
	point := &packPoint{1, 2}
	kept := weak.Make(point)
	stored(t, c, packPointers{Point: point})
	runtime.GC() // the pool itself survives one
	if kept.Value() != nil {
		t.Error("the value is still referred to")
	}
	runtime.KeepAlive(c)
}

func BenchmarkMsgpack(b *testing.B) { bench(b, codec.Msgpack[packAccount](), account) }

func BenchmarkMsgpackList(b *testing.B) {
	bench(b, codec.Msgpack[[]packUser](), make([]packUser, 100))
}

// BenchmarkMsgpackLibrary is what BenchmarkMsgpack is measured against.
func BenchmarkMsgpackLibrary(b *testing.B) {
	stored, err := msgpack.Marshal(&account)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := msgpack.Marshal(&account); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var back packAccount
			if err := msgpack.Unmarshal(stored, &back); err != nil {
				b.Fatal(err)
			}
		}
	})
}
