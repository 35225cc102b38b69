package hashmap

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// A value is the stored form of a type that is known only at run time. p points
// to a variable of the type, which is zero before Parse. The methods have the
// rules of codec.Value, except that an append that fails may return anything.
type value interface {
	Append(dst []byte, p unsafe.Pointer) ([]byte, error)
	Parse(src []byte, p unsafe.Pointer) error
	Schema() *codec.Schema
}

// wayOut ends the sentence about a field that has no stored form.
const wayOut = "tag it json or msgpack, or leave it out with `redis:\"-\"`"

// valueOf returns the form of a field of type t, and what t points to if the
// form is that of its element. The errors have no prefix.
func valueOf(t reflect.Type, tag tag) (v value, elem reflect.Type, err error) {
	if kind, never := unstorable(t); never {
		return nil, nil, fmt.Errorf("a %v cannot be stored; leave it out with `redis:\"-\"`", kind)
	}
	switch {
	case tag.json:
		return jsonValue{t, codec.JSONFieldsOf(t)}, nil, jsonProblem(t)
	case tag.msgpack:
		v, err = codec.PackedOf(t) // its errors say what to do
		return v, nil, err
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Pointer:
		return nil, nil, errors.New("a pointer to a pointer cannot tell which of the two is nil; use one pointer, or " + wayOut)
	}
	of := t
	if t.Kind() == reflect.Pointer {
		of, elem = t.Elem(), t.Elem()
	}
	v, err = scalarOf(of)
	if err != nil && tag.fallback != nil {
		return valueOf(t, *tag.fallback)
	}
	return v, elem, err
}

// withMissingZero returns the form with the rule of MissingFieldsAreZero.
func withMissingZero(v value) value {
	switch v := v.(type) {
	case jsonValue:
		return jsonValue{t: v.t}
	case *codec.Packed:
		if v != nil {
			return v.MissingFieldsAreZero()
		}
	}
	return v
}

// unstorable reports the kind that no tag can make a stored form of.
func unstorable(t reflect.Type) (reflect.Kind, bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		_, err := codec.ScalarOf(t) // it may have text methods
		return t.Kind(), err != nil
	}
	return 0, false
}

// A scalar is the form of a field that is one text.
type scalar struct{ writer, reader *codec.Scalar }

func (s scalar) Append(dst []byte, p unsafe.Pointer) ([]byte, error) { return s.writer.Append(dst, p) }
func (s scalar) Parse(src []byte, p unsafe.Pointer) error            { return s.reader.Parse(src, p) }

// A lenient is the form of a field that is one text, and which go-redis writes
// otherwise. What is no such text is read as that.
type lenient struct {
	t     reflect.Type
	text  *codec.Scalar
	other interface {
		Parse(src []byte, p unsafe.Pointer) error
	}
}

func (l lenient) Append(dst []byte, p unsafe.Pointer) ([]byte, error) { return l.text.Append(dst, p) }

func (l lenient) Parse(src []byte, p unsafe.Pointer) error {
	err := l.text.Parse(src, p)
	if err == nil {
		return nil
	}
	variable := reflect.NewAt(l.t, p).Elem()
	variable.SetZero() // the text method may have set a part of it
	if l.other.Parse(src, p) != nil {
		variable.SetZero()
		return err
	}
	return nil
}

// A rawIP reads a net.IP of 4 or 16 bytes.
type rawIP struct{}

func (rawIP) Parse(src []byte, p unsafe.Pointer) error {
	if len(src) != 4 && len(src) != 16 {
		return errors.New("neither an IPv4 nor an IPv6 address")
	}
	*(*[]byte)(p) = slices.Clone(src)
	return nil
}

func scalarOf(t reflect.Type) (value, error) {
	s, err := codec.ScalarOf(t)
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return scalar{nanoseconds, s}, nil
	case t.PkgPath() == "net" && t.Name() == "IP": // this package imports nothing that does I/O
		return lenient{t, s, rawIP{}}, nil
	case t != reflect.TypeFor[time.Time]() && implements[encoding.BinaryMarshaler](t):
		return binaryOf(t, s, err)
	case err == nil:
		return scalar{s, s}, nil
	}
	return nil, noText(t, err)
}

// binaryOf returns the form of a type that HSet of go-redis writes by MarshalBinary. s
// and err are the text form of it. go-redis reads by UnmarshalText if the type has that,
// and else by UnmarshalBinary.
func binaryOf(t reflect.Type, s *codec.Scalar, err error) (value, error) {
	binary, half := codec.BinaryFormOf(t)
	switch {
	case !implements[encoding.TextUnmarshaler](t):
		return binary, half
	case err != nil:
		return nil, noText(t, err)
	case half != nil:
		return scalar{s, s}, nil
	}
	return lenient{t, s, binary}, nil
}

// noText is the error about a field of a type that has no text form because of err.
func noText(t reflect.Type, err error) error {
	if t.Kind() == reflect.Struct {
		return fmt.Errorf("%w; or tag it inline, json or msgpack, or leave it out with `redis:\"-\"`", err)
	}
	return fmt.Errorf("%w; or %s", err, wayOut)
}

// implements reports whether a variable of type t has the methods of I.
func implements[I any](t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[I]())
}

// nanoseconds writes a time.Duration as go-redis does, which reads nothing else
// back. codec.Text writes 1m30s; both are read.
var nanoseconds, _ = codec.ScalarOf(reflect.TypeFor[int64]())
