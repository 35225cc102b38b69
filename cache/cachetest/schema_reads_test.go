package cachetest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// samples are values of every type whose change the package has words for. Each is read as each
// other type.
var samples = [][]any{
	{false, true},
	{int(0), int(1), int(-1), int(100), math.MaxInt, math.MinInt},
	{int8(0), int8(1), int8(-1), int8(math.MaxInt8), int8(math.MinInt8)},
	{int16(0), int16(1), int16(-1), int16(math.MaxInt16), int16(math.MinInt16)},
	{int32(0), int32(1), int32(-1), int32(math.MaxInt32), int32(math.MinInt32), int32(1<<24 + 1)},
	{int64(0), int64(1), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), int64(1<<53 + 1)},
	{uint(0), uint(1), uint(math.MaxUint)},
	{uint8(0), uint8(1), uint8(math.MaxUint8)},
	{uint16(0), uint16(1), uint16(math.MaxUint16)},
	{uint32(0), uint32(1), uint32(math.MaxUint32), uint32(1<<24 + 1)},
	{uint64(0), uint64(1), uint64(math.MaxUint64), uint64(1<<53 + 1)},
	{float32(0), float32(1), float32(-1), float32(1.5), float32(0.1), float32(1e30)},
	{float64(0), float64(1), float64(-1), float64(1.5), float64(0.1), float64(1e300)},
	{"", "a", "1", "-5", "true", "1m30s", "aGk=", "2026-01-02T03:04:05Z"},
	{[]byte(nil), []byte{}, []byte("a"), []byte("1"), []byte("true"), []byte("5"), []byte("1m30s"), []byte("2026-01-02T03:04:05Z")},
	{time.Duration(0), time.Duration(1), 90 * time.Second, time.Duration(-5), time.Duration(1<<53 + 1), time.Duration(math.MaxInt64), time.Duration(math.MinInt64)},
	{time.Time{}, time.Unix(1e9, 5), time.Unix(-5, 0).UTC()},
	{[3]byte{}, [3]byte{1, 2}, [3]byte{'1', '2'}},
	{[]int(nil), []int{}, []int{1}, []int{1, 2, 3}},
	{[2]int{}, [2]int{1, 2}},
	{map[string]int(nil), map[string]int{}, map[string]int{"A": 1}},
	{byName{}, byName{7, 8}},
	{inOrder{}, inOrder{A: 8, B: 7}},
}

type byName struct{ B, A int }

type inOrder struct {
	//lint:ignore U1000 msgpack looks for it
	_msgpack struct{} `msgpack:",as_array"`
	A, B     int
}

// A form is an encoding of types that are known at run time.
type form struct {
	schema func(t reflect.Type) (*codec.Schema, error)
	append func(t reflect.Type, p unsafe.Pointer) ([]byte, error)
	parse  func(t reflect.Type, src []byte, p unsafe.Pointer) error
}

var formsOfTypes = map[string]form{
	"msgpack": {
		func(t reflect.Type) (*codec.Schema, error) {
			k, err := codec.PackedOf(t)
			if err != nil {
				return nil, err
			}
			return k.Schema(), nil
		},
		func(t reflect.Type, p unsafe.Pointer) ([]byte, error) { return must(codec.PackedOf(t)).Append(nil, p) },
		func(t reflect.Type, src []byte, p unsafe.Pointer) error { return must(codec.PackedOf(t)).Parse(src, p) },
	},
	"json": {
		func(t reflect.Type) (*codec.Schema, error) { return codec.JSONSchemaOf(t), nil },
		func(t reflect.Type, p unsafe.Pointer) ([]byte, error) {
			return json.Marshal(reflect.NewAt(t, p).Interface())
		},
		func(t reflect.Type, src []byte, p unsafe.Pointer) error {
			if err := json.Unmarshal(src, reflect.NewAt(t, p).Interface()); err != nil {
				return err
			}
			return codec.JSONFieldsOf(t).Check(src)
		},
	},
	"text": {
		func(t reflect.Type) (*codec.Schema, error) {
			s, err := codec.ScalarOf(t)
			if err != nil {
				return nil, err
			}
			return s.Schema(), nil
		},
		func(t reflect.Type, p unsafe.Pointer) ([]byte, error) { return must(codec.ScalarOf(t)).Append(nil, p) },
		func(t reflect.Type, src []byte, p unsafe.Pointer) error { return must(codec.ScalarOf(t)).Parse(src, p) },
	},
}

var byteArray = reflect.TypeFor[[3]byte]() // as JSON an array of numbers, which is among the samples

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What is said of a change of type is what happens to the samples.
func TestRetypedIsWhatHappens(t *testing.T) {
	for name, f := range formsOfTypes {
		t.Run(name, func(t *testing.T) {
			for _, from := range samples {
				for _, to := range samples {
					f.check(t, name, from, reflect.TypeOf(to[0]))
				}
			}
		})
	}
}

func (f form) check(t *testing.T, name string, from []any, to reflect.Type) {
	t.Helper()
	was, err := f.schema(reflect.TypeOf(from[0]))
	is, err2 := f.schema(to)
	if err != nil || err2 != nil || was.Type == is.Type || name == "json" && (to == byteArray || reflect.TypeOf(from[0]) == byteArray) {
		return // not a type of this encoding, or another with the same bytes
	}
	var same, other, broken int
	for _, v := range from {
		p := reflect.New(reflect.TypeOf(v))
		p.Elem().Set(reflect.ValueOf(v))
		b, err := f.append(p.Type().Elem(), p.UnsafePointer())
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(to)
		switch {
		case f.parse(to, b, got.UnsafePointer()) != nil:
			broken++
		case content(got.Elem()) == content(p.Elem()):
			same++
		default:
			other++
		}
	}
	said, happens := retyped(name, was.Type, is.Type), false
	switch said {
	case readsAll:
		happens = other+broken == 0
	case readsFitting:
		happens = same > 0 && other == 0 && broken > 0
	case findsBroken:
		happens = same+other == 0
	case readsAnother:
		happens = other > 0
	}
	if !happens {
		t.Errorf("%s that was %s is said to be %d in %s; of the samples %d are read, %d as others, %d not", is.Type, was.Type, said, name, same, other, broken)
	}
}

// content returns what a value says, whatever its type.
func content(v reflect.Value) string {
	switch {
	case v.CanInt():
		return fmt.Sprint("number ", v.Int())
	case v.CanUint():
		return fmt.Sprint("number ", v.Uint())
	case v.CanFloat():
		r, _ := new(big.Float).SetFloat64(v.Float()).Rat(nil)
		return "number " + r.RatString()
	}
	switch v := v.Interface().(type) {
	case time.Time:
		return fmt.Sprint("time ", v.UTC())
	case bool:
		return fmt.Sprint("bool ", v)
	case string:
		return "text " + v
	case []byte:
		return "text " + string(v)
	case [3]byte:
		return "text " + string(v[:])
	case byName:
		return fmt.Sprint("struct ", v.A, v.B)
	case inOrder:
		return fmt.Sprint("struct ", v.A, v.B)
	case map[string]int:
		return fmt.Sprint("map ", v)
	}
	return fmt.Sprint("list ", v.Interface())
}
