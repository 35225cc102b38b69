package codec_test

//lint:file-ignore U1000 fields that only reflection looks at, and a method that only the library calls

import (
	"errors"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/asidecache/aside/codec"
)

// packStubborn has a method for everything, each of which does what it is set to.
type packStubborn struct {
	encode func(e *msgpack.Encoder) error
	decode func(d *msgpack.Decoder) error
}

func (s packStubborn) EncodeMsgpack(e *msgpack.Encoder) error { return s.encode(e) }

func (s *packStubborn) DecodeMsgpack(d *msgpack.Decoder) error { return stubbornDecode(d) }

// stubbornDecode is what a packStubborn does to decode: a fresh one is asked.
var stubbornDecode func(d *msgpack.Decoder) error

func TestMsgpackMethodsMustWriteOneValue(t *testing.T) {
	for why, encode := range map[string]func(e *msgpack.Encoder) error{
		"wrote what is not one value": func(e *msgpack.Encoder) error { return nil },
		"wrote what is not one":       func(e *msgpack.Encoder) error { return e.EncodeMulti(1, 2) },
		"wrote what is not":           func(e *msgpack.Encoder) error { return e.EncodeArrayLen(1) },
		"nested at most 64 deep": func(e *msgpack.Encoder) error {
			for range 64 {
				_ = e.EncodeArrayLen(1) // with the array around 65
			}
			return e.EncodeNil()
		},
		"failed with a *errors.errorString": func(e *msgpack.Encoder) error { return errors.New(secret) },
		"panicked with a string":            func(e *msgpack.Encoder) error { panic(secret) },
	} {
		_, err := codec.Msgpack[[]packStubborn]().AppendValue(nil, []packStubborn{{encode: encode}})
		fails(t, err, why)
	}
}

// What one value's method does to the encoder says nothing about the next.
func TestMsgpackMethodsDoNotShareOptions(t *testing.T) {
	c := codec.Msgpack[packStubborn]()
	write := func(e *msgpack.Encoder) error { return e.Encode(int64(1)) }
	compact := func(e *msgpack.Encoder) error { e.UseCompactInts(true); return write(e) }
	for range 10 {
		if b := stored(t, c, packStubborn{encode: compact}); b != "\x01" {
			t.Fatalf("%q", b)
		}
		if b := stored(t, c, packStubborn{encode: write}); b != "\xd3\x00\x00\x00\x00\x00\x00\x00\x01" {
			t.Fatalf("%q", b)
		}
	}
}

func TestMsgpackMethodsReadOneValue(t *testing.T) {
	read := func(bytes, why string, decode func(d *msgpack.Decoder) error) {
		t.Helper()
		stubbornDecode = decode
		defer func() { stubbornDecode = nil }()
		if why != "" {
			refusesPacked[[]packStubborn](t, bytes, why)
			return
		}
		var v []packStubborn
		if err := codec.Msgpack[[]packStubborn]().ParseValue([]byte(bytes), &v); err != nil {
			t.Errorf("%q: %v", bytes, err)
		}
	}
	read("\x92\x01\x02", "", func(d *msgpack.Decoder) error { _, err := d.DecodeInt(); return err })
	read("\x92\x01\x02", "failed with", func(d *msgpack.Decoder) error { return errors.Join(d.Skip(), d.Skip()) })
	read("\x92\x91\x01\x02", "did not read the whole value", func(d *msgpack.Decoder) error { _, err := d.DecodeArrayLen(); return err })
	read("\x91\x01", "panicked with a string", func(d *msgpack.Decoder) error { panic(secret) })
	read("\x91\x01", "failed with a *errors.errorString", func(d *msgpack.Decoder) error { return errors.New(secret) })

	// The library takes an extension before a map for a prefix of the map.
	decodeMap := func(d *msgpack.Decoder) error { _, err := d.DecodeMap(); return err }
	read("\x91\x81\xa1t\xd6\xff\x00\x00\x00\x01", "", decodeMap)
	read("\x91\x81\xa1t\xd6\xff\xdf\xff\xff\xff", "", decodeMap)
	read("\x91\xc7\x05\x01\xdf\xff\xff\xff\xff", "failed with", decodeMap)
	read("\x92\xd4\x01\xdf\xce\xff\xff\xff\xff", "failed with", decodeMap)
	read("\x91\x82\xd6\xff\xdf\xff\xff\xff\xa0\xa0\xa0", "failed with", decodeMap)
	read("\x91\x92\xd6\xff\x00\x00\x00\x01\xc7\x05\x01\xdf\xff\xff\xff\xff", "failed with", func(d *msgpack.Decoder) error {
		var at time.Time
		_, err := d.DecodeArrayLen()
		return errors.Join(err, d.Decode(&at), decodeMap(d))
	})
	// Where that leads to nothing but values it is let through.
	read("\x91\xd4\x01\x80", "", decodeMap)
	read("\x91\xc7\x04\x01\x81\xa1k\x01", "", decodeMap)
	read("\x91\xc7\x06\x01\xc7\x05\x01\xdf\xff\xff", "failed with", decodeMap)
	read("\x91\xc7\x08\x01\xc7\x05\x01\xdf\xff\xff\xff\xff", "failed with", decodeMap)
}

// packExt, packBox and packHex are types that are registered with the library.
type (
	packExt struct{ b byte }
	packBox struct{ content any }
	packHex [2]byte
)

func (e *packExt) MarshalMsgpack() ([]byte, error) { return []byte{e.b}, nil }

func (e *packExt) UnmarshalMsgpack(b []byte) error {
	e.b = b[0]
	return nil
}

func init() {
	msgpack.RegisterExt(99, (*packExt)(nil))
	msgpack.RegisterExtEncoder(97, packBox{}, func(_ *msgpack.Encoder, v reflect.Value) ([]byte, error) {
		return msgpack.Marshal(v.Interface().(packBox).content)
	})
	msgpack.RegisterExtDecoder(97, packBox{}, func(d *msgpack.Decoder, v reflect.Value, _ int) error {
		content, err := d.DecodeInterface()
		v.Set(reflect.ValueOf(packBox{content}))
		return err
	})
	msgpack.Register(packHex{},
		func(e *msgpack.Encoder, v reflect.Value) error {
			return e.EncodeString(v.Interface().(packHex).String())
		},
		func(d *msgpack.Decoder, v reflect.Value) error {
			s, err := d.DecodeString()
			if err == nil && len(s) == 2 {
				v.Set(reflect.ValueOf(packHex{s[0], s[1]}))
			}
			return err
		})
}

func (h packHex) String() string { return string(h[:]) }

func TestMsgpackRegisteredTypes(t *testing.T) {
	type both struct {
		Ext  packExt
		Ptr  *packExt
		Hex  packHex
		Hexs map[string]packHex
		Any  any
		Hash map[packHex]bool
		Box  packBox
	}
	v := both{packExt{1}, &packExt{2}, packHex{'a', 'b'}, map[string]packHex{"k": {'c', 'd'}}, &packExt{3}, map[packHex]bool{{'e', 'f'}: true}, packBox{true}}
	b, back := packSame(t, v)
	if !reflect.DeepEqual(back, v) {
		t.Errorf("%+v comes back as %+v", v, back)
	}
	if !strings.Contains(string(b), "\xa3Hex\xa2ab") || !strings.Contains(string(b), "\xa3Any\xd4\x63\x03") {
		t.Errorf("stored as %q", b)
	}
	refusesPacked[packExt](t, "\xd4\x62\x00", "MessagePack method of codec_test.packExt")
	unpacks[any](t, "\xc7\x02\x61\x91\x01", packBox{[]any{int8(1)}})
	refusesPacked[any](t, "\xc7\x03\x61\xd4\x61\x01", "an extension does not read") // an unending recursion, if it went on
	refusesPacked[any](t, "\xc7\x00\x63", "an extension does not read")             // UnmarshalMsgpack panics
}

func TestMsgpackTextAndBinaryMethods(t *testing.T) {
	type list []netip.Addr
	long := new(big.Int).Lsh(big.NewInt(1), 3000)
	packSame(t, list{netip.MustParseAddr("::1"), {}})
	packSame(t, []*big.Int{nil, big.NewInt(42), long})
	packSame(t, struct{ N big.Int }{*long})
	packSame(t, []packWords{nil, {}, {"a", "b"}})
	packSame(t, packWords{strings.Repeat("x", 70_000)})

	type omits struct {
		N big.Int    `msgpack:",omitempty"`
		A netip.Addr `msgpack:",omitempty"`
	}
	// The library, which sees no exported field in them, leaves out any.
	c := codec.Msgpack[omits]()
	v := omits{N: *big.NewInt(1)}
	if b := stored(t, c, v); b != "\x81\xa1N\xc4\x011" {
		t.Errorf("stored as %q", b)
	}

	_, err := codec.Msgpack[[]loudText]().AppendValue(nil, []loudText{"x"})
	fails(t, err, "MarshalText of codec_test.loudText failed with")
	refusesPacked[[]loudText](t, "\x91\xa1x", "UnmarshalText of codec_test.loudText panicked with a string")
	refusesPacked[netip.Addr](t, "\x01", "an integer does not go into type netip.Addr")
}

// packWords are words with spaces between.
type packWords []string

func (w packWords) MarshalText() ([]byte, error) {
	if w == nil {
		return []byte("nil is written without asking"), nil
	}
	return []byte(strings.Join(w, " ")), nil
}

func (w *packWords) UnmarshalText(b []byte) error {
	*w = strings.Fields(string(b))
	return nil
}

type loudText string

func (loudText) MarshalText() ([]byte, error)  { return nil, errors.New(secret) }
func (*loudText) UnmarshalText(b []byte) error { panic(string(b) + secret) }

func TestMsgpackCheck(t *testing.T) {
	refusesType[chan int](t, "chan int")
	refusesType[func()](t, "func()")
	refusesType[complex64](t, "complex64")
	refusesType[uintptr](t, "uintptr")
	refusesType[unsafe.Pointer](t, "unsafe.Pointer")
	refusesType[[]error](t)
	refusesType[[]interface{ Len() int }](t, "an interface with methods")
	refusesType[stamp](t, "stamp", "no exported fields")
	refusesType[packSelf](t, "points to nothing but itself")
	refusesType[*packSelf](t, "points to nothing but itself")
	refusesType[color](t, "can be only read; give it MarshalText")
	refusesType[onlyWritten](t, "can be only written; give it UnmarshalText")
	refusesType[onlyRead](t, "can be only read; give it MarshalText")
	refusesType[mixed](t, "written with MarshalBinary but read with UnmarshalText")
	type deep struct {
		List []map[string]struct {
			Lock sync.Mutex
			Call func(int)
		}
		Events chan int
		Kept   chan int `msgpack:"-"`
	}
	refusesType[deep](t, "deep.List[][].Lock (sync.Mutex)", "deep.List[][].Call (func(int))", "deep.Events (chan int)")
	type twice struct {
		packBase
		ID string
	}
	refusesType[twice](t, "twice.ID", `another field is written as "ID"`)
	refusesType[struct {
		A int `msgpack:"x"`
		B int `msgpack:"x"`
	}](t, `another field is written as "x"`)
	refusesType[struct {
		A string `msgpack:",intern"`
	}](t, "interned")
	refusesType[struct {
		A string `msgpack:"'a,b'"`
	}](t, "quotes")
	refusesType[packSelfEmbedded](t, "embeds itself")
	refusesType[struct {
		packLabel `msgpack:",inline"`
	}](t, "can be inlined")

	// These look like them, but are fine.
	refusesType[struct {
		sync.Mutex
		A int
	}](t)
	refusesType[struct{}](t)
	refusesType[packThroughField](t)
	if _, err := codec.PackedOf(nil); err == nil {
		t.Error("nil has a form")
	}
}

type (
	packSelf         *packSelf
	packSelfEmbedded struct {
		*packSelfEmbedded
		A int
	}
	packThroughField  struct{ Field packThroughField2 }
	packThroughField2 struct {
		*packThroughField
		A int
	}
)

// mixed can be written in one way and read in another.
type mixed struct{}

func (mixed) MarshalBinary() ([]byte, error) { return nil, nil }
func (mixed) MarshalText() ([]byte, error)   { return nil, nil }
func (*mixed) UnmarshalText([]byte) error    { return nil }

// refusesType checks that V has no MessagePack form, and why: that it has one if
// no reason is given.
func refusesType[V any](t *testing.T, why ...string) {
	t.Helper()
	c := codec.Msgpack[V]()
	err := c.Check()
	if (err == nil) != (len(why) == 0) {
		t.Errorf("%v: Check: %v", reflect.TypeFor[V](), err)
	}
	for _, w := range why {
		fails(t, err, w)
	}
	if err == nil {
		return
	}
	var v V
	_, e := c.AppendValue(nil, v)
	if p := c.ParseValue([]byte("\xc0"), &v); e != err || p != err {
		t.Errorf("%T: encode %v, decode %v, want %v", v, e, p, err)
	}
	if _, again := codec.PackedOf(reflect.TypeFor[V]()); again != err {
		t.Errorf("%T: asked again: %v", v, again)
	}
}

// panicker panics in the methods that no other test makes panic.
type panicker struct{ A int }

func (panicker) Error() string { panic(secret) }
func (panicker) IsZero() bool  { panic(secret) }

func TestMsgpackContainsPanics(t *testing.T) {
	_, err := codec.Msgpack[[]error]().AppendValue(nil, []error{panicker{}})
	fails(t, err, "MessagePack of type []error panicked with a string")
	type omits struct {
		P panicker `msgpack:",omitempty"`
	}
	_, err = codec.Msgpack[omits]().AppendValue(nil, omits{})
	fails(t, err, "MessagePack of type codec_test.omits panicked with a string")
}
