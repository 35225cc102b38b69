package codec_test

import (
	"errors"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

type (
	name    string
	flag    bool
	level   int8
	mask    uint16
	ratio   float32
	timeout time.Duration
	stamp   time.Time
	blob    []byte
)

// A color has text methods, and a kind that it must not be written by.
type color uint8

func (c color) AppendText(b []byte) ([]byte, error) {
	if c > 1 {
		return append(b, "half-written"...), errors.New("no color: " + secret)
	}
	return append(b, [...]string{"red", "green"}[c]...), nil
}

func (c *color) UnmarshalText(b []byte) error {
	switch string(b) {
	case "red":
		*c = 0
	case "green":
		*c = 1
	case "explode":
		panic(string(b) + secret)
	default:
		return errors.New("no color: " + string(b))
	}
	return nil
}

// secret stands for a cached value: no error may hold it.
const secret = "8f3c-secret"

// form writes v as the Scalar of its type does and reads it back.
func form[V any](t *testing.T, v V) (string, V) {
	t.Helper()
	s, err := codec.ScalarOf(reflect.TypeFor[V]())
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Append([]byte("prefix "), unsafe.Pointer(&v))
	if err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutPrefix(string(b), "prefix ")
	if !ok {
		t.Fatalf("Append lost the prefix: %q", b)
	}
	var back V
	if err := s.Parse([]byte(text), unsafe.Pointer(&back)); err != nil {
		t.Fatalf("Parse of %q: %v", text, err)
	}
	return text, back
}

// golden checks the stored form of v, and that it reads back as v.
func golden[V any](t *testing.T, v V, want string) {
	t.Helper()
	text, back := form(t, v)
	if text != want {
		t.Errorf("%T is stored as %q, want %q", v, text, want)
	}
	if !reflect.DeepEqual(v, back) {
		t.Errorf("%q reads back as %#v, want %#v", text, back, v)
	}
}

func TestScalarGolden(t *testing.T) {
	golden(t, "", "")
	golden(t, "h\x00 é\xff", "h\x00 é\xff")
	golden(t, name("ann"), "ann")
	golden(t, true, "true")
	golden(t, flag(false), "false")
	golden(t, int(-1), "-1")
	golden(t, int8(math.MinInt8), "-128")
	golden(t, level(math.MaxInt8), "127")
	golden(t, int16(math.MinInt16), "-32768")
	golden(t, int32(math.MinInt32), "-2147483648")
	golden(t, int64(math.MinInt64), "-9223372036854775808")
	golden(t, int64(math.MaxInt64), "9223372036854775807")
	golden(t, uint(1), "1")
	golden(t, uint8(math.MaxUint8), "255")
	golden(t, mask(math.MaxUint16), "65535")
	golden(t, uint32(math.MaxUint32), "4294967295")
	golden(t, uint64(math.MaxUint64), "18446744073709551615")
	golden(t, uintptr(7), "7")
	golden(t, 0.0, "0")
	golden(t, math.Copysign(0, -1), "-0")
	golden(t, 1.5, "1.5")
	golden(t, 0.1, "0.1")
	golden(t, ratio(0.1), "0.1")
	golden(t, 100000000.0, "100000000")
	golden(t, 0.000001, "0.000001")
	golden(t, 1e-7, "1e-07")
	golden(t, 1e21, "1e+21")
	golden(t, math.MaxFloat64, "1.7976931348623157e+308")
	golden(t, math.SmallestNonzeroFloat64, "5e-324")
	golden(t, float32(math.MaxFloat32), "3.4028235e+38")
	golden(t, math.Inf(1), "+Inf")
	golden(t, math.Inf(-1), "-Inf")
	golden(t, 90*time.Second, "1m30s")
	golden(t, time.Duration(0), "0s")
	golden(t, time.Duration(math.MinInt64), "-2562047h47m16.854775808s")
	golden(t, timeout(time.Second), "1000000000")
	golden(t, []byte("a\x00b"), "a\x00b")
	golden(t, blob{}, "")
	golden(t, color(1), "green")
	golden(t, netip.MustParseAddr("10.0.0.1"), "10.0.0.1")
	golden(t, big.NewInt(42), "42")
	golden(t, *big.NewInt(42), "42")
	golden(t, time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), "2024-02-29T12:00:00Z")
	golden(t, stamp(time.Date(2024, 2, 29, 12, 0, 0, 1, time.UTC)), "2024-02-29T12:00:00.000000001Z")
	golden(t, time.Time{}, "0001-01-01T00:00:00Z")
}

func TestScalarTimeKeepsOffset(t *testing.T) {
	at := time.Date(2024, 7, 1, 8, 30, 0, 120e6, time.FixedZone("IST", 5*3600+1800))
	text, back := form(t, at)
	if want := "2024-07-01T08:30:00.12+05:30"; text != want {
		t.Errorf("stored as %q, want %q", text, want)
	}
	_, offset := back.Zone()
	if !back.Equal(at) || offset != 5*3600+1800 {
		t.Errorf("%q reads back as %v", text, back)
	}
}

func TestScalarNaN(t *testing.T) {
	if text, back := form(t, math.NaN()); text != "NaN" || !math.IsNaN(back) {
		t.Errorf("NaN is %q and reads back as %v", text, back)
	}
}

func TestScalarNilBytesReadEmpty(t *testing.T) {
	if _, back := form(t, []byte(nil)); back == nil || len(back) != 0 {
		t.Errorf("nil bytes read back as %#v, want empty and not nil", back)
	}
}

func parse[V any](t *testing.T, text string) (v V, err error) {
	t.Helper()
	s, err := codec.ScalarOf(reflect.TypeFor[V]())
	if err != nil {
		t.Fatal(err)
	}
	err = s.Parse([]byte(text), unsafe.Pointer(&v))
	return v, err
}

func reads[V comparable](t *testing.T, text string, want V) {
	t.Helper()
	if v, err := parse[V](t, text); err != nil || v != want {
		t.Errorf("%q reads as %v, %v; want %v", text, v, err, want)
	}
}

func TestScalarReadsOtherWriters(t *testing.T) {
	reads(t, "1", true)
	reads(t, "0", flag(false))
	reads(t, "True", true)
	reads(t, "+5", 5)
	reads(t, "007", uint8(7))
	reads(t, "inf", math.Inf(1))
	reads(t, "-inf", math.Inf(-1))
	reads(t, "1e3", 1000.0)
	reads(t, "1500000000", 1500*time.Millisecond)
	reads(t, "-7", time.Duration(-7))
	if v, err := parse[float64](t, "nan"); err != nil || !math.IsNaN(v) {
		t.Errorf("nan reads as %v, %v", v, err)
	}
}

func refuses[V any](t *testing.T, text, why string) {
	t.Helper()
	_, err := parse[V](t, text)
	if err == nil {
		t.Errorf("%q was read as %v", text, reflect.TypeFor[V]())
		return
	}
	for _, part := range []string{"codec: ", reflect.TypeFor[V]().String(), why} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error of %q is %q, without %q", text, err, part)
		}
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if len(text) > 3 && strings.Contains(e.Error(), text) || strings.Contains(e.Error(), secret) {
			t.Errorf("error holds the value: %q", e)
		}
	}
}

func TestScalarRefuses(t *testing.T) {
	refuses[bool](t, "maybe", "neither true nor false")
	refuses[int](t, "", "no decimal number")
	refuses[int](t, "0x1234", "no decimal number")
	refuses[int](t, "1_234", "no decimal number")
	refuses[int](t, " 1234", "no decimal number")
	refuses[int8](t, "128128", "out of range")
	refuses[int8](t, "128", "out of range")
	refuses[level](t, "-129", "out of range")
	refuses[int64](t, "9223372036854775808", "out of range")
	refuses[uint8](t, "256", "out of range")
	refuses[uint](t, "-1", "no decimal number")
	refuses[uint64](t, "18446744073709551616", "out of range")
	refuses[float64](t, "1,55", "no decimal number")
	refuses[float64](t, "1e999", "out of range")
	refuses[float32](t, "1e39", "out of range")
	refuses[time.Duration](t, "90 sec", "neither a duration")
	refuses[time.Duration](t, "3000000h", "neither a duration in range")
	refuses[time.Duration](t, "9223372036854775808", "out of range")
	refuses[time.Time](t, "yesterday", "no RFC 3339 time")
	refuses[time.Time](t, "2024-02-30T00:00:00Z", "no RFC 3339 time")
	refuses[stamp](t, "2024-02-30", "no RFC 3339 time")
	refuses[color](t, secret, "UnmarshalText")
	refuses[color](t, "explode", "panicked")
	refuses[netip.Addr](t, "10.0.0.256", "UnmarshalText")
}

func TestScalarAppendErrors(t *testing.T) {
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	unwritable(t, year(10000), "year")
	unwritable(t, year(-1), "year")
	unwritable(t, year(2024).In(time.FixedZone("LMT", 561)), "offset with seconds")
	unwritable(t, year(2024).In(time.FixedZone("far", 24*3600)), "offset of a day")
	unwritable(t, color(9), "MarshalText")
	unwritable(t, (*big.Int)(nil), "nil *big.Int")
}

func unwritable[V any](t *testing.T, v V, why string) {
	t.Helper()
	s, err := codec.ScalarOf(reflect.TypeFor[V]())
	if err != nil {
		t.Fatal(err)
	}
	dst, err := s.Append([]byte("prefix"), unsafe.Pointer(&v))
	if err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), secret) {
		t.Errorf("%T: error %q, want one about %q", v, err, why)
	}
	if string(dst) != "prefix" {
		t.Errorf("%T: dst is %q after an error", v, dst)
	}
}

type (
	onlyWritten struct{}
	onlyRead    struct{}
)

func (onlyWritten) MarshalText() ([]byte, error) { return nil, nil }
func (*onlyRead) UnmarshalText([]byte) error     { return nil }

func TestScalarOfRefuses(t *testing.T) {
	for typ, why := range map[reflect.Type]string{
		nil:                            "reflect.TypeFor",
		reflect.TypeFor[complex128]():  "Msgpack or JSON",
		reflect.TypeFor[struct{}]():    "MarshalText and UnmarshalText",
		reflect.TypeFor[[]string]():    "Msgpack or JSON",
		reflect.TypeFor[[4]byte]():     "Msgpack or JSON",
		reflect.TypeFor[*int]():        "Msgpack or JSON",
		reflect.TypeFor[any]():         "Msgpack or JSON",
		reflect.TypeFor[error]():       "Msgpack or JSON",
		reflect.TypeFor[onlyWritten](): "UnmarshalText",
		reflect.TypeFor[onlyRead]():    "give it MarshalText",
	} {
		s, err := codec.ScalarOf(typ)
		if s != nil || err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("ScalarOf(%v) = %v, %v; want an error with %q", typ, s, err, why)
		} else if typ != nil && !strings.Contains(err.Error(), typ.String()) {
			t.Errorf("ScalarOf(%v): %v does not name the type", typ, err)
		}
	}
}

func TestScalarCopiesWhatItKeeps(t *testing.T) {
	for _, p := range []any{new(string), new([]byte)} {
		typ := reflect.TypeOf(p).Elem()
		s, err := codec.ScalarOf(typ)
		if err != nil {
			t.Fatal(err)
		}
		src := []byte("abc")
		if err := s.Parse(src, reflect.ValueOf(p).UnsafePointer()); err != nil {
			t.Fatal(err)
		}
		copy(src, "xyz")
		if got := reflect.ValueOf(p).Elem().Convert(reflect.TypeFor[string]()).String(); got != "abc" {
			t.Errorf("%v holds %q after the source was overwritten", typ, got)
		}
	}
}
