package codec_test

import (
	"math/rand/v2"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// A packFiller makes random values.
type packFiller struct{ *rand.Rand }

// fill sets v, which is the zero value. Keys of maps begin with k.
func (f packFiller) fill(v reflect.Value, depth int) {
	if f.IntN(8) == 0 || depth == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.Uint64()) >> f.IntN(64) << (64 - v.Type().Bits()) >> (64 - v.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.Uint64() >> f.IntN(64) << (64 - v.Type().Bits()) >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(f.NormFloat64())
	case reflect.String:
		v.SetString("k" + strings.Repeat("é", f.IntN(40)))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), depth-1)
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[msgpack.RawMessage]() {
			v.SetBytes([]byte("\x91\xc3"))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), f.IntN(20), 20))
		f.elements(v, depth)
	case reflect.Array:
		f.elements(v, depth)
	case reflect.Map:
		f.entries(v, depth)
	case reflect.Interface:
		f.any(v, depth)
	case reflect.Struct:
		f.fields(v, depth)
	}
}

func (f packFiller) elements(v reflect.Value, depth int) {
	for i := range v.Len() {
		f.fill(v.Index(i), depth-1)
	}
}

func (f packFiller) entries(v reflect.Value, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	for range f.IntN(3) {
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, depth-1)
		f.fill(elem, depth-1)
		v.SetMapIndex(key, elem)
	}
}

func (f packFiller) fields(v reflect.Value, depth int) {
	if !v.CanInterface() { // embedded, without an exported name
		v = reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
	}
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Unix(int64(f.Uint64())>>(20+f.IntN(44)), f.Int64N(1e9)*f.Int64N(2))
		return
	case *netip.Addr:
		*p = netip.AddrFrom4([4]byte{byte(f.Uint32())})
		return
	case *netip.AddrPort:
		*p = netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(f.Uint32()))
		return
	case *url.URL:
		*p = url.URL{Scheme: "http", Host: "k"}
		return
	case *packCustom:
		*p = packCustom{int8(f.Uint32()), int8(f.Uint32())}
		return
	case *packMarshaler:
		*p = packMarshaler{f.IntN(10), f.IntN(10)}
		return
	}
	for i := range v.NumField() {
		if field := v.Field(i); field.CanSet() || v.Type().Field(i).Anonymous && field.Kind() == reflect.Struct {
			f.fill(field, depth-1)
		}
	}
}

func (f packFiller) any(v reflect.Value, depth int) {
	types := []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[time.Duration](),
		reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
		reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](),
		reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[[]any](), reflect.TypeFor[map[string]any](),
		reflect.TypeFor[time.Time](), reflect.TypeFor[packPoint](), reflect.TypeFor[*packUser](), reflect.TypeFor[[]string](),
	}
	elem := reflect.New(types[f.IntN(len(types))]).Elem()
	f.fill(elem, depth-1)
	v.Set(elem)
}
