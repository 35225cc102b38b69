package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"time"
	"unsafe"
)

// An unpacker reads one value from bytes that were scanned: lengths are there,
// and recursion is not deeper than maxDepth.
type unpacker struct {
	b       []byte
	pos     int
	left    int    // bytes of memory that may still be allocated, see held
	text    []byte // what strings are cut from
	strings int    // about how long those are together that are still to be read

	missingAreZero bool // see MissingFieldsAreZero
}

// Strings share an allocation, which saves most of a struct's: all of a value that has few, and
// the short ones of others. One of them keeps at most textChunk bytes in memory.
const (
	textShort = 64
	textChunk = 256
)

// string returns a copy of b, which was just read.
func (r *unpacker) string(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if cap(r.text)-len(r.text) < len(b) {
		if len(b) > textShort && r.strings > textChunk || len(b) > textChunk {
			return string(b)
		}
		r.text = make([]byte, 0, max(len(b), min(r.strings, textChunk)))
	}
	r.strings -= len(b)
	start := len(r.text)
	r.text = append(r.text, b...)
	return unsafe.String(&r.text[start], len(b))
}

// names returns how long the names of the fields are together that a value has, if it is a
// struct.
func (n *packNode) names() int {
	if n.op == packPointer {
		n = n.elem
	}
	if n.op != packStruct {
		return 0
	}
	return n.fields.names
}

var (
	errHeld     = &unreadable{why: "they would take hundreds of times as much memory as they are bytes"}
	errRange    = &unreadable{why: "a number is out of the range of the type"}
	errInexact  = &unreadable{why: "a number has more digits than the type"}
	errHash     = &unreadable{why: "a map key is an array or a map"}
	errTime     = &unreadable{why: "a time has a length that times do not have, or a billion nanoseconds"}
	errOverlong = &unreadable{why: "there are more elements than the array has"}
)

// mismatch is the error of a value that begins with c where one of type t is
// wanted.
func mismatch(t reflect.Type, c byte) *unreadable {
	var found string
	switch class := leads[c]; {
	case c == codeNil:
		found = "nil"
	case c == codeFalse || c == codeTrue:
		found = "a bool"
	case c == codeFloat32 || c == codeFloat64:
		found = "a float"
	case isExtension(c):
		found = "an extension"
	case class >= leadFixMap:
		found = "a map"
	case class >= leadFixArray:
		found = "an array"
	case class >= leadBytes8 && c <= codeBin32:
		found = "binary"
	case class >= leadBytes8 || c >= codeFixStr && c < codeNil:
		found = "a string"
	default:
		found = "an integer"
	}
	return &unreadable{why: fmt.Sprintf("%s does not go into type %v", found, t)}
}

// value sets the variable of n's type at p from the next value.
func (r *unpacker) value(n *packNode, p unsafe.Pointer) *unreadable {
	c := r.b[r.pos]
	switch n.op {
	case packString:
		b, ok := r.bytes()
		if !ok {
			return mismatch(n.typ, c)
		}
		*(*string)(p) = r.string(b)
	case packInt, packInt8, packInt16, packInt32, packInt64:
		return r.int(n, p)
	case packUint, packUint8, packUint16, packUint32, packUint64:
		return r.uint(n, p)
	case packFloat32, packFloat64:
		return r.float(n, p)
	case packBool:
		switch r.pos++; c {
		case codeTrue, codeFalse, codeNil:
			*(*bool)(p) = c == codeTrue
		default:
			return mismatch(n.typ, c)
		}
	case packTime:
		return r.time(n.typ, (*time.Time)(p))
	case packStruct:
		return r.record(n, p)
	case packPointer:
		return r.pointer(n, p)
	case packBytes:
		b, ok := r.bytes()
		if !ok {
			return mismatch(n.typ, c)
		}
		*(*[]byte)(p) = nil
		if b != nil {
			*(*[]byte)(p) = append([]byte{}, b...)
		}
	case packByteArray:
		return r.byteArray(n, p)
	case packSlice:
		return r.slice(n, p)
	case packArray:
		return r.array(n, p)
	case packMapStringString:
		return r.mapStringString(n, (*map[string]string)(p))
	case packMapStringAny:
		return r.mapStringAny(n, (*map[string]any)(p))
	case packMap:
		return r.mapping(n, p)
	case packAny:
		v, err := r.any()
		*(*any)(p) = v
		return err
	case packError:
		return r.error(n, (*error)(p))
	case packMethods:
		return r.methods(n, p)
	default:
		return r.library(n, p)
	}
	return nil
}

// charge counts n variables of the given size that are to be allocated.
func (r *unpacker) charge(n int, size uintptr) *unreadable {
	if size > 0 && uintptr(n) > uintptr(r.left)/size {
		return errHeld
	}
	r.left -= n * int(size)
	return nil
}

// next returns the next n bytes.
func (r *unpacker) next(n int) []byte {
	b := r.b[r.pos : r.pos+n]
	r.pos += n
	return b
}

// big returns the next n bytes as a number.
func (r *unpacker) big(n int) (u uint64) {
	for _, c := range r.next(n) {
		u = u<<8 | uint64(c)
	}
	return u
}

// bytes reads a string, binary or nil, which is nil. Of anything else it reports
// false.
func (r *unpacker) bytes() (b []byte, ok bool) {
	c := r.b[r.pos]
	r.pos++
	switch class := leads[c]; {
	case c >= codeFixStr && c < codeNil:
		return r.next(int(c - codeFixStr)), true
	case c == codeNil:
		return nil, true
	case class >= leadBytes8 && class <= leadBytes32:
		return r.next(int(r.big(1 << (class - leadBytes8)))), true
	}
	return nil, false
}

// count reads the header of an array, or of a map if lead is leadFixMap: how many
// elements or pairs it has. That of nil is -1. Of anything else it reports false.
func (r *unpacker) count(first lead) (n int, ok bool) {
	c := r.b[r.pos]
	r.pos++
	switch leads[c] {
	case first:
		return int(c & 0x0f), true
	case first + 1:
		return int(r.big(2)), true
	case first + 2:
		return int(r.big(4)), true
	}
	return -1, c == codeNil
}

// number reads an integer, as two's complement of a negative one. nil is 0. Of
// anything else it reports false.
func (r *unpacker) number() (u uint64, negative, ok bool) {
	c := r.b[r.pos]
	r.pos++
	switch {
	case c < codeFixMap:
		return uint64(c), false, true
	case c >= codeNegative:
		return uint64(int8(c)), true, true
	case c == codeUint64:
		return binary.BigEndian.Uint64(r.next(8)), false, true
	case c == codeInt64:
		i := int64(binary.BigEndian.Uint64(r.next(8)))
		return uint64(i), i < 0, true
	case c >= codeUint8 && c <= codeUint32:
		return r.big(1 << (c - codeUint8)), false, true
	case c >= codeInt8 && c <= codeInt32:
		size := 1 << (c - codeInt8)
		shift := 64 - 8*size
		i := int64(r.big(size)<<shift) >> shift
		return uint64(i), i < 0, true
	}
	return 0, false, c == codeNil
}

func (r *unpacker) int(n *packNode, p unsafe.Pointer) *unreadable {
	c := r.b[r.pos]
	u, negative, ok := r.number()
	if !ok {
		return mismatch(n.typ, c)
	}
	most := uint64(1)<<(8*n.size-1) - 1
	if negative {
		u = ^u
	}
	if u > most {
		return errRange
	}
	if negative {
		u = ^u
	}
	storeUint(p, n.size, u)
	return nil
}

func (r *unpacker) uint(n *packNode, p unsafe.Pointer) *unreadable {
	c := r.b[r.pos]
	u, negative, ok := r.number()
	switch {
	case !ok:
		return mismatch(n.typ, c)
	case negative || u > math.MaxUint64>>(64-8*n.size):
		return errRange
	}
	storeUint(p, n.size, u)
	return nil
}

// float reads a float of the type's width or less, or an integer that is exact
// as one.
func (r *unpacker) float(n *packNode, p unsafe.Pointer) *unreadable {
	c := r.b[r.pos]
	switch {
	case c == codeFloat32:
		r.pos++
		storeFloat(p, n.size, float64(math.Float32frombits(uint32(r.big(4)))))
		return nil
	case c == codeFloat64 && n.op == packFloat64:
		r.pos++
		*(*float64)(p) = math.Float64frombits(binary.BigEndian.Uint64(r.next(8)))
		return nil
	}
	u, negative, ok := r.number()
	if !ok {
		return mismatch(n.typ, c)
	}
	f := float64(u)
	if negative {
		f = float64(int64(u))
	}
	if n.op == packFloat32 {
		f = float64(float32(f))
	}
	if exact := f < 1<<64 && !negative && uint64(f) == u || negative && int64(f) == int64(u); !exact {
		return errInexact
	}
	storeFloat(p, n.size, f)
	return nil
}

// time reads extension -1.
func (r *unpacker) time(typ reflect.Type, t *time.Time) *unreadable {
	c := r.b[r.pos]
	if c == codeNil {
		r.pos++
		*t = time.Time{}
		return nil
	}
	if !isExtension(c) {
		return mismatch(typ, c)
	}
	id, body := extension(r.b, r.pos)
	if id != -1 {
		return mismatch(typ, c)
	}
	r.pos = after(r.b, r.pos)
	var secs int64
	var nanos uint64
	switch len(body) {
	case 4:
		secs = int64(binary.BigEndian.Uint32(body))
	case 8:
		u := binary.BigEndian.Uint64(body)
		nanos, secs = u>>34, int64(u&(1<<34-1))
	case 12:
		nanos = uint64(binary.BigEndian.Uint32(body))
		secs = int64(binary.BigEndian.Uint64(body[4:]))
	default:
		return errTime
	}
	if nanos >= 1e9 {
		return errTime
	}
	if *t = time.Unix(secs, int64(nanos)); t.IsZero() {
		*t = time.Time{} // in UTC, as it was
	}
	return nil
}
