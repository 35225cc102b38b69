package codec

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"
	"unsafe"
)

// any appends the value in an any: those that are common in it, and that reading
// puts there, without reflection.
func (w *packer) any(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, codeNil), nil
	case bool:
		return appendBool(dst, v), nil
	case string:
		return appendString(dst, v), nil
	case []byte:
		return appendBytes(dst, v), nil
	case int:
		return appendInt(dst, int64(v)), nil
	case int8:
		return append(dst, codeInt8, byte(v)), nil
	case int16:
		return append2(dst, codeInt16, uint16(v)), nil
	case int32:
		return append4(dst, codeInt32, uint32(v)), nil
	case int64:
		return append8(dst, codeInt64, uint64(v)), nil
	case uint:
		return appendUint(dst, uint64(v)), nil
	case uint8:
		return append(dst, codeUint8, v), nil
	case uint16:
		return append2(dst, codeUint16, v), nil
	case uint32:
		return append4(dst, codeUint32, v), nil
	case uint64:
		return append8(dst, codeUint64, v), nil
	case float32:
		return append4(dst, codeFloat32, math.Float32bits(v)), nil
	case float64:
		return append8(dst, codeFloat64, math.Float64bits(v)), nil
	case time.Time:
		return appendPackTime(dst, v), nil
	case map[string]any:
		return w.mapStringAny(dst, v)
	case []any:
		return w.anySlice(dst, v)
	}
	return w.dynamic(dst, v)
}

func (w *packer) anySlice(dst []byte, s []any) ([]byte, error) {
	if s == nil {
		return append(dst, codeNil), nil
	}
	if err := w.enter(); err != nil {
		return dst, err
	}
	dst = appendArrayLen(dst, len(s))
	for _, v := range s {
		var err error
		if dst, err = w.any(dst, v); err != nil {
			return dst, err
		}
	}
	w.leave()
	return dst, nil
}

// dynamic appends a value of any type.
func (w *packer) dynamic(dst []byte, v any) ([]byte, error) {
	t := reflect.TypeOf(v)
	k, err := PackedOf(t)
	if err != nil {
		return dst, fmt.Errorf("codec: there is a value of type %v in an any: %w", t, err)
	}
	// A pointer to an any that holds that pointer is a cycle without depth.
	if w.hops++; w.hops > maxDepth*maxDepth {
		return dst, errors.New("codec: a pointer that leads to itself is not written")
	}
	box := reflect.New(t)
	box.Elem().Set(reflect.ValueOf(v))
	held, inAny := w.held, w.inAny // reading does not allocate a v, but what the bytes hold
	w.inAny = true
	dst, err = w.value(dst, k.node, box.UnsafePointer())
	w.held, w.inAny = held, inAny
	w.hops--
	return dst, err
}

// error appends the text of an error.
func (w *packer) error(dst []byte, err error) ([]byte, error) {
	if err == nil {
		return append(dst, codeNil), nil
	}
	return appendString(dst, err.Error()), nil
}

func (r *unpacker) error(n *packNode, p *error) *unreadable {
	c := r.b[r.pos]
	b, ok := r.bytes()
	switch {
	case !ok:
		return mismatch(n.typ, c)
	case b == nil:
		*p = nil
	default:
		*p = errors.New(string(b))
	}
	return nil
}

// any reads a value of any kind as the type that it was written from. This is
// not charged for: nothing in it is a hundred times larger than its bytes.
func (r *unpacker) any() (any, *unreadable) {
	c := r.b[r.pos]
	switch class := leads[c]; {
	case isExtension(c):
		return r.anyExtension()
	case class >= leadFixMap:
		count, _ := r.count(leadFixMap)
		return r.anyMap(count)
	case class >= leadFixArray:
		count, _ := r.count(leadFixArray)
		s := make([]any, count)
		for i := range s {
			var err *unreadable
			if s[i], err = r.any(); err != nil {
				return nil, err
			}
		}
		return s, nil
	case class >= leadBytes8 && c <= codeBin32:
		b, _ := r.bytes()
		return append([]byte{}, b...), nil
	case class >= leadBytes8 || c >= codeFixStr && c < codeNil:
		b, _ := r.bytes()
		return r.string(b), nil
	}
	return r.anyScalar(c), nil
}

// anyMap reads count entries as a map[string]any, or as a map[any]any if there is a key
// that is no string.
func (r *unpacker) anyMap(count int) (any, *unreadable) {
	m := make(map[string]any, count)
	left, err := r.anyEntries(m, count)
	if err != nil || left == 0 {
		return m, err
	}
	mixed := make(map[any]any, count)
	for k, v := range m {
		mixed[k] = v
	}
	return mixed, r.mixedEntries(mixed, left)
}

// anyEntries reads up to count entries into m, and returns how many are left where it has
// come to a key that is no string.
func (r *unpacker) anyEntries(m map[string]any, count int) (left int, err *unreadable) {
	for ; count > 0; count-- {
		if !isStringKey(r.b[r.pos]) {
			return count, nil
		}
		b, _ := r.bytes()
		k := r.string(b)
		v, err := r.any()
		if err != nil {
			return count, err
		}
		m[k] = v
	}
	return 0, nil
}

// mixedEntries reads count entries into m. Keys that are binary are strings, as in maps
// that have no others.
func (r *unpacker) mixedEntries(m map[any]any, count int) *unreadable {
	for range count {
		var k any
		var err *unreadable
		if isStringKey(r.b[r.pos]) {
			b, _ := r.bytes()
			k = r.string(b)
		} else if k, err = r.any(); err != nil {
			return err
		}
		if !reflect.ValueOf(k).Comparable() {
			return errHash
		}
		v, err := r.any()
		if err != nil {
			return err
		}
		m[k] = v
	}
	return nil
}

// isStringKey reports whether the value that begins with c is read as a string by bytes.
func isStringKey(c byte) bool {
	class := leads[c]
	return c >= codeFixStr && c <= codeNil || class >= leadBytes8 && class <= leadBytes32
}

func (r *unpacker) anyExtension() (any, *unreadable) {
	if id, _ := extension(r.b, r.pos); id == -1 {
		var t time.Time
		err := r.time(timeType, &t)
		return t, err
	}
	var v any
	if r.library(anyNode, unsafe.Pointer(&v)) != nil {
		return nil, errExtensionType
	}
	return v, nil
}

var errExtensionType = &unreadable{why: "an extension does not read as the type that msgpack.RegisterExt names for it, or none is named"}

// anyNode lets the library read an any: an extension of a type that is registered with it.
var anyNode = &packNode{op: packLibrary, typ: reflect.TypeFor[any]()}

func (r *unpacker) anyScalar(c byte) any {
	r.pos++
	switch c {
	case codeNil:
		return nil
	case codeFalse, codeTrue:
		return c == codeTrue
	case codeFloat32:
		return math.Float32frombits(uint32(r.big(4)))
	case codeFloat64:
		return math.Float64frombits(r.big(8))
	case codeUint8:
		return uint8(r.big(1))
	case codeUint16:
		return uint16(r.big(2))
	case codeUint32:
		return uint32(r.big(4))
	case codeUint64:
		return r.big(8)
	case codeInt8:
		return int8(r.big(1))
	case codeInt16:
		return int16(r.big(2))
	case codeInt32:
		return int32(r.big(4))
	case codeInt64:
		return int64(r.big(8))
	}
	return int8(c)
}
