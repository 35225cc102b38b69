package codec_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

func TestMsgpackGolden(t *testing.T) {
	packGolden(t, false, "\xc2")
	packGolden(t, flag(true), "\xc3")
	packGolden(t, 0, "\x00")
	packGolden(t, 127, "\x7f")
	packGolden(t, 128, "\xcc\x80")
	packGolden(t, 256, "\xcd\x01\x00")
	packGolden(t, 65536, "\xce\x00\x01\x00\x00")
	packGolden(t, math.MaxInt, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff")
	packGolden(t, -1, "\xff")
	packGolden(t, -32, "\xe0")
	packGolden(t, -33, "\xd0\xdf")
	packGolden(t, -129, "\xd1\xff\x7f")
	packGolden(t, -32769, "\xd2\xff\xff\x7f\xff")
	packGolden(t, math.MinInt, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00")
	packGolden(t, int8(1), "\xd0\x01")
	packGolden(t, level(-1), "\xd0\xff")
	packGolden(t, int16(1), "\xd1\x00\x01")
	packGolden(t, int32(1), "\xd2\x00\x00\x00\x01")
	packGolden(t, int64(1), "\xd3\x00\x00\x00\x00\x00\x00\x00\x01")
	packGolden(t, uint(200), "\xcc\xc8")
	packGolden(t, uint8(1), "\xcc\x01")
	packGolden(t, mask(1), "\xcd\x00\x01")
	packGolden(t, uint32(1), "\xce\x00\x00\x00\x01")
	packGolden(t, uint64(math.MaxUint64), "\xcf\xff\xff\xff\xff\xff\xff\xff\xff")
	packGolden(t, float32(1.5), "\xca\x3f\xc0\x00\x00")
	packGolden(t, 1.5, "\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00")
	packGolden(t, "", "\xa0")
	packGolden(t, name("ann"), "\xa3ann")
	packGolden(t, strings.Repeat("x", 32), "\xd9\x20"+strings.Repeat("x", 32))
	packGolden(t, strings.Repeat("x", 255), "\xd9\xff"+strings.Repeat("x", 255))
	packGolden(t, strings.Repeat("x", 256), "\xda\x01\x00"+strings.Repeat("x", 256))
	packGolden(t, strings.Repeat("x", 65536), "\xdb\x00\x01\x00\x00"+strings.Repeat("x", 65536))
	packGolden(t, []byte(nil), "\xc0")
	packGolden(t, []byte{}, "\xc4\x00")
	packGolden(t, blob("ab"), "\xc4\x02ab")
	packGolden(t, bytes.Repeat([]byte("x"), 256), "\xc5\x01\x00"+strings.Repeat("x", 256))
	packGolden(t, bytes.Repeat([]byte("x"), 65536), "\xc6\x00\x01\x00\x00"+strings.Repeat("x", 65536))
	packGolden(t, [2]byte{1, 2}, "\xc4\x02\x01\x02")
	packGolden(t, []int(nil), "\xc0")
	packGolden(t, []int{}, "\x90")
	packGolden(t, []int{1, 2}, "\x92\x01\x02")
	packGolden(t, make([]int, 16), "\xdc\x00\x10"+strings.Repeat("\x00", 16))
	packGolden(t, make([]bool, 65536), "\xdd\x00\x01\x00\x00"+strings.Repeat("\xc2", 65536))
	packGolden(t, [2]string{"a", "b"}, "\x92\xa1a\xa1b")
	packGolden(t, map[string]string(nil), "\xc0")
	packGolden(t, map[string]string{}, "\x80")
	packGolden(t, map[string]string{"k": "v"}, "\x81\xa1k\xa1v")
	packGolden(t, map[string]any{"k": int8(1)}, "\x81\xa1k\xd0\x01")
	packGolden(t, map[level]bool{1: true}, "\x81\xd0\x01\xc3")
	packGolden(t, (*int)(nil), "\xc0")
	packGolden(t, new(7), "\x07")
	packGolden(t, any(nil), "\xc0")
	packGolden(t, packPoint{1, 2}, "\x82\xa1X\x01\xa1Y\x02")
	packGolden(t, packArray{A: 1}, "\x93\x01\xa0\xc0")
	packGolden(t, packOmit{}, "\x84\xa5Array\x92\x00\x00\xa6Struct\x82\xa1X\x00\xa1Y\x00\xa6Zeroer\x00\xa6Always\x00")
	packGolden(t, packWidest{Q: 1}, "\x81\xa1Q\xd0\x01")
	packGolden(t, packNoInline{packBase{1, time.Unix(2, 0)}, "x"}, "\x82\xa4base\x82\xa2ID\xd3\x00\x00\x00\x00\x00\x00\x00\x01\xa7Created\xd6\xff\x00\x00\x00\x02\xa2ID\xa1x")
	packGolden(t, time.Duration(1), "\xd3\x00\x00\x00\x00\x00\x00\x00\x01")
	packGolden(t, time.Unix(1, 0), "\xd6\xff\x00\x00\x00\x01")
	packGolden(t, time.Unix(1, 1), "\xd7\xff\x00\x00\x00\x04\x00\x00\x00\x01")
	packGolden(t, time.Unix(1<<32, 0), "\xd7\xff\x00\x00\x00\x01\x00\x00\x00\x00")
	packGolden(t, time.Unix(1<<34, 1), "\xc7\x0c\xff\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x00")
	packGolden(t, time.Time{}, "\xc7\x0c\xff\x00\x00\x00\x00\xff\xff\xff\xf1\x88\x6e\x09\x00")
	packGolden(t, netip.MustParseAddr("10.0.0.1"), "\xc4\x04\x0a\x00\x00\x01")
	packGolden(t, packCustom{1, -1}, "\x92\x01\xff")
	packGolden(t, packMarshaler{1, 2}, "\xa5[1,2]")
	packGolden(t, map[string]*packMarshaler{"k": {1, 2}}, "\x81\xa1k\xa5[1,2]")
}

// packGolden checks the stored form of v, that the library agrees, and that it
// reads back as v.
func packGolden[V any](t *testing.T, v V, want string) {
	t.Helper()
	ours, _ := packSame(t, v)
	if string(ours) != want {
		t.Errorf("%T is stored as %.100q, want %.100q", v, ours, want)
	}
	var back V
	if err := codec.Msgpack[V]().ParseValue(ours, &back); err != nil || !reflect.DeepEqual(v, back) {
		t.Errorf("%.100q reads back as %.100v, %v", ours, back, err)
	}
}

// packSame checks that v is written as the library writes it, up to the order of
// maps, and that each reads what the other wrote in the same way. It returns the
// bytes and what they are read as.
func packSame[V any](t *testing.T, v V) ([]byte, V) {
	t.Helper()
	c := codec.Msgpack[V]()
	ours, err := c.AppendValue([]byte("before"), v)
	if err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	ours = bytes.TrimPrefix(ours, []byte("before"))
	theirs, err := msgpack.Marshal(&v)
	if err != nil {
		t.Fatalf("%T: the library: %v", v, err)
	}
	if !bytes.Equal(ours, theirs) && !(unordered(reflect.TypeFor[V](), nil) && sameBytes(ours, theirs)) {
		t.Errorf("%T: written as\n%q, by the library as\n%q", v, ours, theirs)
	}
	var fromOurs, fromTheirs, byLibrary V
	if err := c.ParseValue(ours, &fromOurs); err != nil {
		t.Fatalf("%T: reading our bytes: %v", v, err)
	}
	if err := c.ParseValue(theirs, &fromTheirs); err != nil {
		t.Fatalf("%T: reading the library's bytes: %v", v, err)
	}
	if err := msgpack.Unmarshal(ours, &byLibrary); err != nil {
		t.Fatalf("%T: the library, reading our bytes: %v", v, err)
	}
	if !reflect.DeepEqual(fromOurs, fromTheirs) || !reflect.DeepEqual(fromOurs, byLibrary) {
		t.Errorf("%T reads back as\n%+v, the library's bytes as\n%+v, and by the library as\n%+v", v, fromOurs, fromTheirs, byLibrary)
	}
	return ours, fromOurs
}

// unordered reports whether a value of type t may have a map in it.
func unordered(t reflect.Type, around []reflect.Type) bool {
	if slices.Contains(around, t) {
		return false
	}
	around = append(around, t)
	switch t.Kind() {
	case reflect.Map, reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return unordered(t.Elem(), around)
	case reflect.Struct:
		for i := range t.NumField() {
			if unordered(t.Field(i).Type, around) {
				return true
			}
		}
	}
	return false
}

// sameBytes reports whether a and b are the same bytes in any order, as are two
// encodings of one map.
func sameBytes(a, b []byte) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return bytes.Equal(a, b)
}

// packRandom checks random values of V, one to each seed.
func packRandom[V any](t *testing.T, seeds ...uint64) {
	t.Helper()
	for _, typ := range codec.PackedByLibrary(reflect.TypeFor[V]()) {
		switch typ {
		case reflect.TypeFor[packCustom](), reflect.TypeFor[packMarshaler](), reflect.TypeFor[msgpack.RawMessage]():
		default:
			// Of a type that is written wrongly it looks as if the library had been
			// told how to write it.
			t.Errorf("%v is left to the library", typ)
		}
	}
	for _, seed := range seeds {
		var v V
		packFiller{rand.New(rand.NewPCG(seed, 0))}.fill(reflect.ValueOf(&v).Elem(), 6)
		packSame(t, v)
		if t.Failed() {
			t.Fatalf("%T, seed %d", v, seed)
		}
	}
}

// packAllTypes checks random values of every type.
func packAllTypes(t *testing.T, seeds ...uint64) {
	packRandom[packScalars](t, seeds...)
	packRandom[packNamed](t, seeds...)
	packRandom[packLists](t, seeds...)
	packRandom[packMaps](t, seeds...)
	packRandom[packPointers](t, seeds...)
	packRandom[packTags](t, seeds...)
	packRandom[packOmit](t, seeds...)
	packRandom[packOmitAll](t, seeds...)
	packRandom[packArray](t, seeds...)
	packRandom[packArrayOld](t, seeds...)
	packRandom[packWide](t, seeds...)
	packRandom[packWidest](t, seeds...)
	packRandom[packMiddle](t, seeds...)
	packRandom[packShadow](t, seeds...)
	packRandom[packInline](t, seeds...)
	packRandom[packNoInline](t, seeds...)
	packRandom[packNode](t, seeds...)
	packRandom[packMutual](t, seeds...)
	packRandom[packOwn](t, seeds...)
	packRandom[packUser](t, seeds...)
	packRandom[*packUser](t, seeds...)
	packRandom[[]packUser](t, seeds...)
	packRandom[map[string]packUser](t, seeds...)
	packRandom[map[string]any](t, seeds...)
	packRandom[[]any](t, seeds...)
	packRandom[any](t, seeds...)
	packRandom[time.Time](t, seeds...)
	packRandom[[3][]packPoint](t, seeds...)
	packRandom[struct{}](t, seeds...)
}

func TestMsgpackAgreesWithTheLibrary(t *testing.T) {
	seeds := make([]uint64, 30)
	for i := range seeds {
		seeds[i] = uint64(i)
	}
	packAllTypes(t, seeds...)
	packSame(t, packEmbeds{PackPart: &PackPart{1}})
	packSame(t, packEmbedsBehind{1, packOmitEmbedded{&PackPart{2}, "x"}})
	packSame(t, slices.Repeat([]any{packPoint{1, 2}}, 5000))
	packSame(t, packOmitEmbedded{})
	packSame(t, packOmit{Float: math.Copysign(0, -1), Any: "", None: [0]int{}, Inner: packOmitInner{B: "x"}, Zeroer: 7})
	packSame(t, packOmit{Any: (*int)(nil), When: &time.Time{}, Ptr: new(int)})
	packSame(t, struct {
		E struct{} `msgpack:",omitempty"`
	}{})
	packSame(t, packOmitEmbedded{PackPart: &PackPart{}})
	packSame(t, struct{ Err error }{errors.New("text")})
	packSame(t, struct{ Err error }{})
}

func FuzzMsgpackAgreesWithTheLibrary(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { packAllTypes(t, seed) })
}

func TestMsgpackContract(t *testing.T) {
	codectest.Run(t, codec.Msgpack[packUser](), packUser{}, packUser{
		ID: -1, Email: "ann@example.org", Tags: []string{"a", ""}, Meta: map[string]string{"k": "v"},
		Created: time.Unix(1700000000, 5), Boss: &packUser{},
	})
	codectest.Run(t, codec.Msgpack[*packUser](), nil, &packUser{Tags: []string{"a"}})
	codectest.Run[any](t, codec.Msgpack[any](), nil, "text", map[string]any{"k": []any{int8(1), nil, true, []byte("bytes")}})
	codectest.Run(t, codec.Msgpack[packLists](), packLists{}, packLists{
		Bytes: []byte("a"), Structs: []packPoint{{1, 2}}, Pointers: []*packPoint{{3, 4}, nil}, Anys: []any{"a"},
	})
	codectest.Run(t, codec.Msgpack[packMaps](), packMaps{}, packMaps{
		ByID: map[int64]packPoint{1: {1, 2}, 2: {}}, Nested: map[string]map[string]int{"k": {"l": 1}}, Anys: map[string]any{"k": nil},
	})
	codectest.Run(t, codec.Msgpack[packOwn](), packOwn{
		Addr: netip.MustParseAddr("::1"), Raw: msgpack.RawMessage("\xc3"), Own: packMarshaler{1, 2}, Addrs: []netip.AddrPort{},
	})
	codectest.Run(t, codec.Msgpack[[]string](), nil, []string{}, []string{"a", strings.Repeat("b", 100)})
	codectest.Run(t, codec.Msgpack[[][4096]byte](), [][4096]byte{{1}})
}
