package codec

import (
	"fmt"
	"time"
	"unsafe"
)

// A packer writes one value.
type packer struct {
	depth int // arrays and maps around
	hops  int // pointers in an any around
	inAny bool
	held  int // bytes of memory that reading the value will take, see held
}

// value appends the value of n's type at p.
func (w *packer) value(dst []byte, n *packNode, p unsafe.Pointer) ([]byte, error) {
	switch n.op {
	case packBool:
		return appendBool(dst, *(*bool)(p)), nil
	case packInt:
		return appendInt(dst, int64(*(*int)(p))), nil
	case packInt8:
		return append(dst, codeInt8, *(*byte)(p)), nil
	case packInt16:
		return append2(dst, codeInt16, *(*uint16)(p)), nil
	case packInt32:
		return append4(dst, codeInt32, *(*uint32)(p)), nil
	case packInt64:
		return append8(dst, codeInt64, *(*uint64)(p)), nil
	case packUint:
		return appendUint(dst, uint64(*(*uint)(p))), nil
	case packUint8:
		return append(dst, codeUint8, *(*byte)(p)), nil
	case packUint16:
		return append2(dst, codeUint16, *(*uint16)(p)), nil
	case packUint32:
		return append4(dst, codeUint32, *(*uint32)(p)), nil
	case packUint64:
		return append8(dst, codeUint64, *(*uint64)(p)), nil
	case packFloat32:
		return append4(dst, codeFloat32, *(*uint32)(p)), nil
	case packFloat64:
		return append8(dst, codeFloat64, *(*uint64)(p)), nil
	case packString:
		return appendString(dst, *(*string)(p)), nil
	case packBytes:
		return appendBytes(dst, *(*[]byte)(p)), nil
	case packByteArray:
		b := unsafe.Slice((*byte)(p), n.len)
		return append(appendBytesLen(dst, len(b)), b...), nil
	case packTime:
		return appendPackTime(dst, *(*time.Time)(p)), nil
	case packStruct:
		return w.record(dst, n, p)
	case packPointer:
		return w.pointer(dst, n, p)
	case packSlice:
		return w.slice(dst, n, p)
	case packArray:
		return w.elements(dst, n.elem, p, n.len)
	case packMapStringString:
		return w.mapStringString(dst, *(*map[string]string)(p))
	case packMapStringAny:
		return w.mapStringAny(dst, *(*map[string]any)(p))
	case packMap:
		return w.mapping(dst, n, p)
	case packAny:
		return w.any(dst, *(*any)(p))
	case packError:
		return w.error(dst, *(*error)(p))
	case packMethods:
		return w.methods(dst, n, p)
	default:
		return w.library(dst, n, p)
	}
}

// enter begins an array or a map, which leave ends.
func (w *packer) enter() error {
	if w.depth == maxDepth {
		return fmt.Errorf("codec: a value that nests deeper than %d arrays and maps is not written: is there a cycle in it?", maxDepth)
	}
	w.depth++
	return nil
}

func (w *packer) leave() { w.depth-- }

func (w *packer) pointer(dst []byte, n *packNode, p unsafe.Pointer) ([]byte, error) {
	if p = *(*unsafe.Pointer)(p); p == nil {
		return append(dst, codeNil), nil
	}
	w.held += int(n.elem.size)
	return w.value(dst, n.elem, p)
}

func (w *packer) slice(dst []byte, n *packNode, p unsafe.Pointer) ([]byte, error) {
	s := (*[]struct{})(p) // its header alone is looked at
	if *s == nil {
		return append(dst, codeNil), nil
	}
	w.held += len(*s) * int(n.elem.size)
	return w.elements(dst, n.elem, unsafe.Pointer(unsafe.SliceData(*s)), len(*s))
}

// elements appends an array of the n values at p.
func (w *packer) elements(dst []byte, elem *packNode, p unsafe.Pointer, n int) ([]byte, error) {
	if err := w.enter(); err != nil {
		return dst, err
	}
	dst = appendArrayLen(dst, n)
	for i := range n {
		var err error
		if dst, err = w.value(dst, elem, unsafe.Add(p, uintptr(i)*elem.size)); err != nil {
			return dst, err
		}
	}
	w.leave()
	return dst, nil
}

func (w *packer) record(dst []byte, n *packNode, p unsafe.Pointer) ([]byte, error) {
	if err := w.enter(); err != nil {
		return dst, err
	}
	f := n.fields
	var err error
	switch {
	case f.array:
		dst, err = w.all(appendArrayLen(dst, f.written), f, p)
	case f.omits:
		dst, err = w.some(dst, f, p)
	default:
		dst, err = w.all(appendMapLen(dst, f.written), f, p)
	}
	w.leave()
	return dst, err
}

// all appends every field.
func (w *packer) all(dst []byte, f *packFields, p unsafe.Pointer) ([]byte, error) {
	for i := range f.written {
		field := &f.all[i]
		if !f.array {
			dst = field.appendKey(dst)
		}
		var at unsafe.Pointer
		if field.via == nil {
			at = unsafe.Add(p, field.off)
		} else if at = w.at(field, p); at == nil { // p itself may end before off
			dst = append(dst, codeNil)
			continue
		}
		var err error
		if dst, err = w.value(dst, field.node, at); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// some appends a map of the fields that are not left out.
func (w *packer) some(dst []byte, f *packFields, p unsafe.Pointer) ([]byte, error) {
	start := len(dst)
	dst = appendMapLen(dst, 0) // how many there are is known in the end
	count := 0
	for i := range f.written {
		field := &f.all[i]
		at := w.at(field, p)
		if at == nil || field.omit && isEmpty(field.node, at) {
			continue
		}
		count++
		var err error
		if dst, err = w.value(field.appendKey(dst), field.node, at); err != nil {
			return dst, err
		}
	}
	return setMapLen(dst, start, count), nil
}

// at returns the address of a field of the struct at p, and nil where an
// embedded pointer on the way to it is nil.
func (w *packer) at(f *packField, p unsafe.Pointer) unsafe.Pointer {
	for _, hop := range f.via {
		if p = *(*unsafe.Pointer)(unsafe.Add(p, hop.off)); p == nil {
			return nil
		}
		w.held += int(hop.elem.Size())
	}
	return unsafe.Add(p, f.off)
}
