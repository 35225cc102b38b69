package codec_test

//lint:file-ignore U1000 a field that is there for its size

import (
	"errors"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
)

// unpacks checks that bytes, from any writer, read as want.
func unpacks[V any](t *testing.T, bytes string, want V) {
	t.Helper()
	var v V
	if err := codec.Msgpack[V]().ParseValue([]byte(bytes), &v); err != nil || !reflect.DeepEqual(v, want) {
		t.Errorf("%q reads as %+v, %v, want %+v", bytes, v, err, want)
	}
}

// unpacksPart checks that bytes lack a field, and read as want where such a field is zero.
func unpacksPart[V any](t *testing.T, bytes string, want V) {
	t.Helper()
	var v V
	if err := codec.Msgpack[V]().ParseValue([]byte(bytes), &v); !errors.Is(err, codec.ErrOutdated) {
		t.Errorf("%q reads as %+v, %v, want ErrOutdated", bytes, v, err)
	}
	var part V
	err := codec.Msgpack[V](codec.MissingFieldsAreZero()).ParseValue([]byte(bytes), &part)
	if err != nil || !reflect.DeepEqual(part, want) {
		t.Errorf("%q reads in part as %+v, %v, want %+v", bytes, part, err, want)
	}
}

// refusesPart checks that bytes lack a field, and cannot be read where such a field is zero.
func refusesPart[V any](t *testing.T, bytes, why string) {
	t.Helper()
	var v, part V
	if err := codec.Msgpack[V]().ParseValue([]byte(bytes), &v); !errors.Is(err, codec.ErrOutdated) {
		t.Errorf("%.40q is refused by %v, want ErrOutdated", bytes, err)
	}
	err := codec.Msgpack[V](codec.MissingFieldsAreZero()).ParseValue([]byte(bytes), &part)
	if err == nil {
		t.Errorf("%.40q reads as %.40v of type %T, want an error about %q", bytes, part, part, why)
		return
	}
	fails(t, err, why)
}

// refusesPacked checks that bytes cannot be read as a V, and why.
func refusesPacked[V any](t *testing.T, bytes, why string) {
	t.Helper()
	var v V
	err := codec.Msgpack[V]().ParseValue([]byte(bytes), &v)
	if err == nil {
		t.Errorf("%.40q reads as %.40v of type %T, want an error about %q", bytes, v, v, why)
		return
	}
	fails(t, err, why)
}

func TestMsgpackReadsOtherWriters(t *testing.T) {
	for _, five := range []string{"\x05", "\xcc\x05", "\xcd\x00\x05", "\xce\x00\x00\x00\x05", "\xcf\x00\x00\x00\x00\x00\x00\x00\x05", "\xd0\x05", "\xd1\x00\x05", "\xd2\x00\x00\x00\x05", "\xd3\x00\x00\x00\x00\x00\x00\x00\x05"} {
		unpacks(t, five, int8(5))
		unpacks(t, five, 5)
		unpacks(t, five, uint8(5))
		unpacks(t, five, uint64(5))
		unpacks(t, five, float32(5))
		unpacks(t, five, 5.0)
	}
	unpacks(t, "\xff", int64(-1))
	unpacks(t, "\xff", -1.0)
	unpacks(t, "\xd0\x80", int8(math.MinInt8))
	unpacks(t, "\xd1\xff\x80", int8(math.MinInt8))
	unpacks(t, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", uint64(math.MaxUint64))
	unpacks(t, "\xcf\xff\xff\xff\xff\xff\xff\xf8\x00", float64(math.MaxUint64-2047))
	unpacks(t, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", float64(math.MinInt64))
	unpacks(t, "\xca\x3f\xc0\x00\x00", 1.5)
	unpacks(t, "\xc4\x02ab", "ab")
	unpacks(t, "\xa2ab", []byte("ab"))
	unpacks(t, "\xd9\x02ab", [3]byte{'a', 'b'})
	unpacks(t, "\x91\x01", [2]int{1})
	unpacks(t, "\x82\xc4\x01Y\x02\xd9\x01X\x01", packPoint{1, 2}) // other order, other strings
	unpacks(t, "\x92\x01\x02", packPoint{1, 2})
	unpacksPart(t, "\x90", packPoint{})
	unpacksPart(t, "\x81\xa1Y\x02", packPoint{0, 2})
	unpacks(t, "\x83\xa3new\x92\x81\xc0\xc0\x01\xa1X\x01\xa1Y\x02", packPoint{1, 2}) // an unknown field
	unpacksPart(t, "\x81\xa3old\xa1x", packTags{Alias: "x"})
	unpacksPart(t, "\x81\xa8packBase\x81\xa2ID\x01", packMiddle{packBase: packBase{ID: 1}})
	unpacks(t, "\x93\x01\xa1x\x90", packArray{A: 1, B: "x", C: []packArray{}})
	unpacks(t, "\x82\xa1A\x01\xa1C\xc0", packArray{A: 1})
	unpacks(t, "\xd7\xff\x00\x00\x00\x04\x00\x00\x00\x01", time.Unix(1, 1))
	unpacks(t, "\xc7\x04\xff\x00\x00\x00\x01", time.Unix(1, 0))
}

func TestMsgpackReadsNilAsZero(t *testing.T) {
	unpacks(t, "\xc0", 0)
	unpacks(t, "\xc0", uint8(0))
	unpacks(t, "\xc0", 0.0)
	unpacks(t, "\xc0", float32(0))
	unpacks(t, "\xc0", false)
	unpacks(t, "\xc0", "")
	unpacks(t, "\xc0", []byte(nil))
	unpacks(t, "\xc0", []string(nil))
	unpacks(t, "\xc0", []int(nil))
	unpacks(t, "\xc0", [2]int{})
	unpacks(t, "\xc0", [2]byte{})
	unpacks(t, "\xc0", map[int]int(nil))
	unpacks(t, "\xc0", map[string]string(nil))
	unpacks(t, "\xc0", map[string]any(nil))
	unpacks(t, "\xc0", packPoint{})
	unpacks(t, "\xc0", (**int)(nil))
	unpacks(t, "\xc0", time.Time{})
	unpacks(t, "\xc0", any(nil))
	unpacksPart(t, "\x81\xa1X\xc0", packPoint{})
	unpacks(t, "\x93\xc0\x02\xc0", []int{0, 2, 0})
}

func TestMsgpackReadsAny(t *testing.T) {
	unpacks[any](t, "\x01", int8(1))
	unpacks[any](t, "\xff", int8(-1))
	unpacks[any](t, "\xd0\x80", int8(-128))
	unpacks[any](t, "\xd1\x80\x00", int16(math.MinInt16))
	unpacks[any](t, "\xd2\x80\x00\x00\x00", int32(math.MinInt32))
	unpacks[any](t, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", int64(math.MinInt64))
	unpacks[any](t, "\xcc\xff", uint8(255))
	unpacks[any](t, "\xcd\xff\xff", uint16(math.MaxUint16))
	unpacks[any](t, "\xce\xff\xff\xff\xff", uint32(math.MaxUint32))
	unpacks[any](t, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", uint64(math.MaxUint64))
	unpacks[any](t, "\xca\x3f\xc0\x00\x00", float32(1.5))
	unpacks[any](t, "\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", 1.5)
	unpacks[any](t, "\xc3", true)
	unpacks[any](t, "\xc4\x00", []byte{})
	unpacks[any](t, "\xd9\x01a", "a")
	unpacks[any](t, "\x90", []any{})
	unpacks[any](t, "\x92\xc0\xa0", []any{nil, ""})
	unpacks[any](t, "\x81\xc4\x01k\x80", map[string]any{"k": map[string]any{}})
	unpacks[any](t, "\xd6\xff\x00\x00\x00\x01", time.Unix(1, 0))
	unpacks[any](t, "\x82\xa1i\x01\xa1i\x02", map[string]any{"i": int8(2)}) // the last one counts
	unpacks[any](t, "\x81\x01\xa1x", map[any]any{int8(1): "x"})
	unpacks[any](t, "\x83\xa1a\x01\xc2\x02\xc4\x01b\x81\xff\xc0", map[any]any{"a": int8(1), false: int8(2), "b": map[any]any{int8(-1): nil}})
	unpacks[any](t, "\x82\xc0\x01\xc4\x01k\x02", map[string]any{"": int8(1), "k": int8(2)})
	unpacks[any](t, "\x81\xd6\xff\x00\x00\x00\x01\xc3", map[any]any{time.Unix(1, 0): true})
	unpacks(t, "\x81\xa1k\x81\x01\xa1x", map[string]any{"k": map[any]any{int8(1): "x"}})
	refusesPacked[any](t, "\x81\x90\x01", "a map key is an array or a map")
	refusesPacked[any](t, "\x82\xa1a\x01\x80\x01", "a map key is an array or a map")
	refusesPacked[map[string]any](t, "\x82\xa1a\x01\x01\x01", "an integer does not go into type string")
	refusesPacked[any](t, "\xd4\x62x", "an extension does not read")
	refusesPacked[any](t, "\xd4\x80\x00", "extension") // an interned string
	refusesPacked[any](t, "\xd4\xff\x00", "a time")
}

func TestMsgpackRepeatedNamesAndKeys(t *testing.T) {
	unpacksPart(t, "\x82\xa1X\x01\xa1X\x02", packPoint{X: 2})
	unpacks(t, "\x82\xa1k\xa1a\xa1k\xa1b", map[string]string{"k": "b"})
	unpacks(t, "\x82\x01\x01\x01\x02", map[int]int{1: 2})
	// Nothing of the first value shines through.
	type outer struct{ In packPoint }
	unpacksPart(t, "\x82\xa2In\x82\xa1X\x01\xa1Y\x02\xa2In\x81\xa1X\x03", outer{packPoint{X: 3}})
	type two struct{ A, B packPoint }
	unpacksPart(t, "\x83\xa1B\x81\xa1X\x01\xa1A\x80\xa1B\x81\xa1Y\x02", two{B: packPoint{Y: 2}})
	unpacksPart(t, "\x82\xa2ID\x01\xa8packBase\x80", packMiddle{})
	unpacksPart(t, "\x83\xa2ID\x01\xa8packBase\x81\xa2ID\x02\xa8packBase\x80", packMiddle{})
	unpacksPart(t, "\x82\xa5Point\x82\xa1X\x01\xa1Y\x02\xa5Point\x81\xa1X\x03", packPointers{Point: &packPoint{X: 3}})
	unpacksPart(t, "\x82\xa5Array\xc4\x03abc\xa5Array\xc4\x01d", packLists{Array: [3]byte{'d'}})
}

func TestMsgpackRefusesNumbersThatDoNotFit(t *testing.T) {
	const outOfRange, inexact = "out of the range", "more digits"
	refusesPacked[int8](t, "\xcd\x01\x2c", outOfRange) // 300
	refusesPacked[int8](t, "\xcc\x80", outOfRange)
	refusesPacked[int8](t, "\xd1\xff\x7f", outOfRange)
	refusesPacked[int16](t, "\xcd\x80\x00", outOfRange)
	refusesPacked[int32](t, "\xce\x80\x00\x00\x00", outOfRange)
	refusesPacked[int64](t, "\xcf\x80\x00\x00\x00\x00\x00\x00\x00", outOfRange)
	refusesPacked[int](t, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", outOfRange)
	refusesPacked[level](t, "\xcd\x01\x2c", outOfRange)
	refusesPacked[uint8](t, "\xcd\x01\x00", outOfRange)
	refusesPacked[uint16](t, "\xce\x00\x01\x00\x00", outOfRange)
	refusesPacked[uint32](t, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00", outOfRange)
	for _, negative := range []string{"\xff", "\xd0\xff", "\xd1\xff\xff", "\xd2\xff\xff\xff\xff", "\xd3\xff\xff\xff\xff\xff\xff\xff\xff"} {
		refusesPacked[uint8](t, negative, outOfRange)
		refusesPacked[uint](t, negative, outOfRange)
		refusesPacked[uint64](t, negative, outOfRange)
	}
	refusesPacked[float64](t, "\xcf\x00\x20\x00\x00\x00\x00\x00\x01", inexact) // 1<<53 + 1
	refusesPacked[float64](t, "\xd3\xff\xdf\xff\xff\xff\xff\xff\xff", inexact)
	refusesPacked[float64](t, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", inexact)
	refusesPacked[float32](t, "\xce\x01\x00\x00\x01", inexact)
	refusesPacked[map[int8]int](t, "\x81\xcc\x80\x00", outOfRange)
	refusesPacked[[]int8](t, "\x91\xcc\x80", outOfRange)
}

func TestMsgpackRefusesOtherTypes(t *testing.T) {
	refusesPacked[int](t, "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", "a float does not go into type int")
	refusesPacked[float32](t, "\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", "a float")
	refusesPacked[int](t, "\xa11", "a string")
	refusesPacked[string](t, "\x01", "an integer")
	refusesPacked[bool](t, "\x01", "an integer")
	refusesPacked[float64](t, "\xc3", "a bool")
	refusesPacked[uint](t, "\xc3", "a bool")
	refusesPacked[[]byte](t, "\x91\x01", "an array")
	refusesPacked[[2]byte](t, "\x92\x01\x01", "an array")
	refusesPacked[[]int](t, "\x80", "a map")
	refusesPacked[[2]int](t, "\xc4\x00", "binary")
	refusesPacked[map[string]int](t, "\x90", "an array")
	refusesPacked[map[string]string](t, "\xd6\xff1234", "an extension")
	refusesPacked[map[string]string](t, "\x81\x01\xa0", "an integer")
	refusesPacked[map[string]string](t, "\x81\xa0\x01", "an integer")
	refusesPacked[packPoint](t, "\x01", "an integer")
	refusesPacked[packPoint](t, "\x81\x01\x01", "a field's name")
	refusesPart[packPoint](t, "\x91\x01", "another number of elements")
	refusesPacked[packPoint](t, "\x93\x01\x01\x01", "another number of elements")
	refusesPacked[[2]int](t, "\x93\x01\x01\x01", "more elements")
	refusesPacked[[2]byte](t, "\xc4\x03abc", "more elements")
	refusesPacked[time.Time](t, "\xa0", "a string")
	refusesPacked[time.Time](t, "\xd6\x011234", "an extension")
	refusesPacked[time.Time](t, "\xd5\xff12", "a time")
	refusesPacked[time.Time](t, "\xd7\xff\xff\xff\xff\xff\x00\x00\x00\x00", "a billion nanoseconds")
	refusesPacked[map[any]int](t, "\x81\x90\x01", "a map key")
	refusesPacked[map[any]int](t, "\x81\xc4\x01a\x01", "a map key")
	refusesPacked[map[[1]any]int](t, "\x81\x91\x80\x01", "a map key")
}

// Errors name the field and not what is in it.
func TestMsgpackErrorsNameTheField(t *testing.T) {
	type inner struct{ Age int8 }
	type outer struct {
		Owner  inner
		People []inner
		ByName map[string]*inner
	}
	bad := "\x81\xa3Age\xab" + secret
	refusesPacked[inner](t, bad, "codec_test.inner: Age: a string")
	refusesPacked[outer](t, "\x81\xa5Owner"+bad, "Owner.Age: ")
	refusesPacked[outer](t, "\x81\xa6People\x92\xc0"+bad, "People.Age: ")
	refusesPacked[outer](t, "\x81\xa6ByName\x81\xab"+secret+bad, "ByName.Age: ")
}

func TestMsgpackRefusesWhatTheLibraryDiesOf(t *testing.T) {
	for _, killer := range []string{
		"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff",
		strings.Repeat("\x91", 5_000_000), strings.Repeat("\x81\xa0", 5_000_000),
		"\xd4\x01\xdf\xff\xff\xff\xff", // as a prefix of a map
	} {
		refusesPacked[any](t, killer, "")
		refusesPacked[[]int](t, killer, "")
		refusesPacked[[]any](t, killer, "")
		refusesPacked[[]packPoint](t, killer, "")
		refusesPacked[[]byte](t, killer, "")
		refusesPacked[map[string]string](t, killer, "")
		refusesPacked[map[string]any](t, killer, "")
		refusesPacked[packOwn](t, "\x81\xa5Other"+killer, "")
		refusesPacked[packOwn](t, "\x81\xa6Custom"+killer, "")
		refusesPacked[packOwn](t, "\x81\xa3Raw"+killer, "")
	}
	refusesPacked[int](t, "\x01\x01", "more bytes after")
	refusesPacked[int](t, "", "end in the middle")
}

// A byte must not stand for any amount of memory, nor what was written be
// unreadable for that reason.
func TestMsgpackBoundsMemory(t *testing.T) {
	type page struct {
		Text *string `msgpack:",omitempty"`
		body [1250]int64
		Big  [0]int
	}
	type pages struct {
		*page
		N int
	}
	const n = 20_000
	array := "\xdd\x00\x00\x4e\x20"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const tooMuch = "times as much memory"
	refusesPacked[[]page](t, array+strings.Repeat("\x80", n), tooMuch)
	refusesPart[[]*page](t, array+strings.Repeat("\x80", n), tooMuch)
	refusesPart[[]pages](t, array+strings.Repeat("\x81\xa3Big\x90", n), tooMuch)
	refusesPacked[map[int16]page](t, "\xde\x4e\x20"+strings.Repeat("\x01\x80", n), tooMuch)
	refusesPacked[[][1000]*page](t, array+strings.Repeat("\x90", n), tooMuch)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 5*(n*256*7+2<<20) {
		t.Errorf("%d bytes were allocated", used)
	}

	const unreadable = "could not be read back"
	_, err := codec.Msgpack[[]page]().AppendValue(nil, make([]page, n))
	fails(t, err, unreadable)
	_, err = codec.Msgpack[[]*page]().AppendValue(nil, slices.Repeat([]*page{{}}, n))
	fails(t, err, unreadable)
	_, err = codec.Msgpack[[]pages]().AppendValue(nil, slices.Repeat([]pages{{page: &page{}}}, n))
	fails(t, err, unreadable)
	m := make(map[int16]page)
	for i := range int16(2000) {
		m[i] = page{}
	}
	_, err = codec.Msgpack[map[int16]page]().AppendValue(nil, m)
	fails(t, err, unreadable)
	packSame(t, any(make([]page, n))) // is read as maps
	for _, few := range []int{0, 1, 80} {
		packSame(t, make([]page, few))
	}
}

func TestMsgpackNestsTo64(t *testing.T) {
	nest := func(n int) any {
		var v any = []any{}
		for range n - 1 {
			v = []any{v}
		}
		return v
	}
	packSame(t, nest(64))
	_, err := codec.Msgpack[any]().AppendValue(nil, nest(65))
	fails(t, err, "nests deeper than 64")

	node := &packNode{}
	for range 63 {
		node = &packNode{Next: node}
	}
	packSame(t, node)
	_, err = codec.Msgpack[packNode]().AppendValue(nil, packNode{Next: node})
	fails(t, err, "nests deeper than 64")
}

func TestMsgpackRefusesCycles(t *testing.T) {
	node := &packNode{}
	node.Next = node
	_, err := codec.Msgpack[*packNode]().AppendValue(nil, node)
	fails(t, err, "cycle")

	m := map[string]any{}
	m["m"] = m
	_, err = codec.Msgpack[map[string]any]().AppendValue(nil, m)
	fails(t, err, "cycle")

	var p any
	p = &p
	_, err = codec.Msgpack[any]().AppendValue(nil, p)
	fails(t, err, "leads to itself")
}

func TestMsgpackLeavesDstOnError(t *testing.T) {
	dst := append(make([]byte, 0, 100), "before"...)
	b, err := codec.Msgpack[[]any]().AppendValue(dst, []any{1, make(chan int)})
	fails(t, err, "chan int in an any")
	if string(b) != "before" {
		t.Errorf("dst is now %q", b)
	}
}

// An embedded pointer to a struct whose type is not exported is beyond the
// library, which also reads a nil one as a struct of zeros.
func TestMsgpackEmbeddedPointers(t *testing.T) {
	type hidden struct{ A, B int }
	type outer struct {
		*hidden
		C int
	}
	c := codec.Msgpack[outer]()
	for _, v := range []outer{{nil, 1}, {&hidden{}, 1}, {&hidden{2, 3}, 1}} {
		if back := parsed(t, c, strings.Replace(stored(t, c, v), "\x83", "\x86\xa1A\xc0\xa1A\x09\xa1A\xc0", 1)); v.hidden != nil && !reflect.DeepEqual(back, v) {
			t.Errorf("%+v, some of it repeated, comes back as %+v", v, back)
		}
		if back := parsed(t, c, stored(t, c, v)); !reflect.DeepEqual(back, v) {
			t.Errorf("%+v comes back as %+v", v, back)
		}
	}
}

// parsed reads what stored wrote.
func parsed[V any](t *testing.T, c codec.StringCodec[V], b string) (v V) {
	t.Helper()
	if err := c.ParseValue([]byte(b), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
