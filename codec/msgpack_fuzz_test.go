package codec_test

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

func FuzzMsgpackStruct(f *testing.F) {
	codectest.Fuzz(f, codec.Msgpack[packUser](), packUser{Email: "a", Tags: []string{"b"}, Meta: map[string]string{"k": "v"}, Created: time.Unix(1, 1), Boss: &packUser{}})
}

func FuzzMsgpackAny(f *testing.F) {
	codectest.Suite[any]{
		Codec:  codec.Msgpack[any](),
		Values: []any{map[string]any{"k": []any{int8(1), 1.5, "text", []byte("b"), time.Unix(1, 1), &packExt{1}}}},
		Equal:  sameToTheLibrary[any],
	}.Fuzz(f)
}

func FuzzMsgpackMaps(f *testing.F) {
	codectest.Suite[map[any][]packMaps]{
		Codec:  codec.Msgpack[map[any][]packMaps](),
		Values: []map[any][]packMaps{{"k": {{Ints: map[string]int64{"a": 1}, ByLevel: map[level][]string{1: {"b"}}}}}},
		Equal:  sameToTheLibrary[map[any][]packMaps],
	}.Fuzz(f)
}

func FuzzMsgpackOwn(f *testing.F) {
	codectest.Fuzz(f, codec.Msgpack[packOwn](), packOwn{Addr: netip.IPv6Loopback(), Raw: msgpack.RawMessage("\x91\x01"), Own: packMarshaler{1, 2}})
}

// FuzzMsgpackReadsWhatItWrites starts from bytes of any origin: what they are
// read as must be written, and read again, as the same.
func FuzzMsgpackReadsWhatItWrites(f *testing.F) {
	f.Add([]byte("\x92\x01\x02"))
	f.Add([]byte("\x82\xa1A\x91\xff\xa1B\xc0"))
	f.Fuzz(func(t *testing.T, src []byte) {
		rewrites[any](t, src)
		rewrites[packScalars](t, src)
		rewrites[packLists](t, src)
		rewrites[packMiddle](t, src)
		rewrites[[]packOmit](t, src)
		rewrites[map[int]packArray](t, src)
	})
}

// sameToTheLibrary compares values as they are written: two NaN are the same.
func sameToTheLibrary[V any](a, b V) bool {
	x, errX := msgpack.Marshal(&a)
	y, errY := msgpack.Marshal(&b)
	return errX == nil && errY == nil && sameBytes(x, y)
}

func rewrites[V any](t *testing.T, src []byte) {
	t.Helper()
	var v, twin V
	c := codec.Msgpack[V]()
	if c.ParseValue(src, &v) != nil || c.ParseValue(src, &twin) != nil {
		return
	}
	if !reflect.DeepEqual(v, twin) {
		return // a NaN is in it
	}
	if isMixed(v) { // the library cannot read it
		rewritesAlone(t, c, v)
		return
	}
	first, again := packSame(t, v)
	second, err := codec.Msgpack[V]().AppendValue(nil, again)
	if err != nil || !sameBytes(first, second) {
		t.Errorf("%q is read and written as %q, and then as %q, %v", src, first, second, err)
	}
}

// isMixed reports whether there is a map in v with a key that is no string.
func isMixed(v any) bool {
	switch v := v.(type) {
	case map[any]any:
		return true
	case map[string]any:
		for _, v := range v {
			if isMixed(v) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, isMixed)
	}
	return false
}

// rewritesAlone checks that v is written, and read again, as the same.
func rewritesAlone[V any](t *testing.T, c codec.Value[V], v V) {
	t.Helper()
	b, err := c.AppendValue(nil, v)
	var again V
	if err == nil {
		err = c.ParseValue(b, &again)
	}
	if err != nil || !reflect.DeepEqual(again, v) {
		t.Errorf("%#v is written as %q and read as %#v, error %v", v, b, again, err)
	}
}
