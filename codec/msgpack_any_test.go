package codec_test

import (
	"reflect"
	"testing"

	"github.com/asidecache/aside/codec"
)

// A map in an any is read again whatever its keys are, or not written.
func TestMsgpackMapsInAnAny(t *testing.T) {
	type key struct{ A, B int }
	list := [2]int{1, 2}
	for _, c := range []struct {
		in, out any // out nil: not written
	}{
		{map[int]string{1: "x"}, map[any]any{int8(1): "x"}},
		{map[any]any{"a": 1, 2: "b", true: nil}, map[any]any{"a": int8(1), int8(2): "b", true: nil}},
		{[]any{map[int64][]int{1 << 40: {1}}}, []any{map[any]any{int64(1 << 40): []any{int8(1)}}}},
		{map[level]map[int]bool{-1: {0: true}}, map[any]any{int8(-1): map[any]any{int8(0): true}}},
		{map[string]map[uint8]string{"k": {200: "x"}}, map[string]any{"k": map[any]any{uint8(200): "x"}}},
		{map[name]int{"a": 1}, map[string]any{"a": int8(1)}},
		{map[*int]int{}, map[string]any{}},
		{map[key]string{{1, 2}: "x"}, nil},
		{map[[2]int]string{list: "x"}, nil},
		{[]map[any]int{{list: 1}}, nil},
		{struct{ M map[*key]int }{map[*key]int{{1, 2}: 3}}, nil},
	} {
		codecs := codec.Msgpack[any]()
		b, err := codecs.AppendValue(nil, c.in)
		if c.out == nil {
			fails(t, err, "with a key that is an array or a map as MessagePack is not written")
			continue
		}
		var got any
		if err == nil {
			err = codecs.ParseValue(b, &got)
		}
		if err != nil || !reflect.DeepEqual(got, c.out) {
			t.Errorf("%v is read as %#v, error %v, want %#v", c.in, got, err, c.out)
		}
	}
	// Where the type is known, such keys are read.
	typed := codec.Msgpack[map[key]string]()
	b, err := typed.AppendValue(nil, map[key]string{{1, 2}: "x"})
	var got map[key]string
	if err == nil {
		err = typed.ParseValue(b, &got)
	}
	if err != nil || got[key{1, 2}] != "x" {
		t.Errorf("a map of structs is read as %v, error %v", got, err)
	}
	_, err = codec.Msgpack[map[any]int]().AppendValue(nil, map[any]int{list: 1})
	fails(t, err, "a map[interface {}]int with a key that is an array or a map")
}
