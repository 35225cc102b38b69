package codec

import (
	"reflect"
	"time"
	"unsafe"
)

// isEmpty reports whether omitempty leaves out the value of n's type at p, by the
// rules of the library: so is an array of length 0, but not one of zeros, and a
// struct all of whose fields are left out. Types with methods of their own, but
// without IsZero, are empty when they are zero, where the library would lose such
// a struct whatever it held.
func isEmpty(n *packNode, p unsafe.Pointer) bool {
	switch n.op {
	case packTime:
		return (*time.Time)(p).IsZero()
	case packPointer:
		if *(*unsafe.Pointer)(p) == nil {
			return true
		}
	}
	if n.zeroer {
		v := reflect.NewAt(n.typ, p)
		switch n.typ.Kind() {
		case reflect.Map, reflect.Slice:
			if v.Elem().IsNil() {
				return true
			}
		case reflect.Pointer:
			v = v.Elem()
		}
		return v.Interface().(interface{ IsZero() bool }).IsZero()
	}
	switch n.op {
	case packAny:
		return isEmptyAny(*(*any)(p))
	case packError:
		return *(*error)(p) == nil
	case packStruct:
		return isEmptyStruct(n.fields, p)
	case packPointer:
		return false
	case packMethods, packLibrary:
		return reflect.NewAt(n.typ, p).Elem().IsZero()
	case packArray, packByteArray:
		return n.len == 0
	case packSlice, packBytes:
		return len(*(*[]struct{})(p)) == 0
	case packMap, packMapStringString, packMapStringAny:
		return reflect.NewAt(n.typ, p).Elem().Len() == 0
	case packString:
		return *(*string)(p) == ""
	case packFloat32, packFloat64: // -0 is zero
		return loadFloat(p, n.size) == 0
	}
	return loadUint(p, n.size) == 0
}

func isEmptyAny(v any) bool {
	if v == nil {
		return true
	}
	t := reflect.TypeOf(v)
	k, err := PackedOf(t)
	if err != nil {
		return false // writing it returns the error
	}
	box := reflect.New(t)
	box.Elem().Set(reflect.ValueOf(v))
	return isEmpty(k.node, box.UnsafePointer())
}

func isEmptyStruct(f *packFields, p unsafe.Pointer) bool {
	if !f.omits {
		return f.written == 0
	}
	var w packer
	for i := range f.written {
		field := &f.all[i]
		if at := w.at(field, p); at != nil && !(field.omit && isEmpty(field.node, at)) {
			return false
		}
	}
	return true
}
