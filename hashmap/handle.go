package hashmap

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// A Field is a typed handle on one field of a mapped T, of type F: for reads and
// writes of chosen fields. It is made by FieldOf, a small value, and safe for
// concurrent use.
type Field[T, F any] struct{ handle[T] }

var _ codec.Field[struct{}] = Field[struct{}, int]{}

// FieldOf returns the handle on the field that is called name in the hash. F is
// the field's Go type, a pointer if the field is one; T follows from m:
//
//	age, err := hashmap.FieldOf[int64](users, "age")
//
// A name that the mapping does not have and an F of another type are errors. They
// are found here, once, so that using the handle needs no check.
func FieldOf[F, T any](m *Mapping[T], name string) (Field[T, F], error) {
	if err := m.Check(); err != nil {
		return Field[T, F]{}, err
	}
	n, ok := m.plan.index[name]
	if !ok {
		return Field[T, F]{}, fmt.Errorf("hashmap: %s has no field stored as %q; it has %s", typeName(m.strct), name, m.plan.names())
	}
	f := &m.plan.fields[n]
	if t := reflect.TypeFor[F](); t != f.typ {
		return Field[T, F]{}, fmt.Errorf("hashmap: %s, stored as %q, is of type %v and not %v; call FieldOf[%v]", f.path, name, f.typ, t, f.typ)
	}
	return Field[T, F]{handle[T]{m, f}}, nil
}

// To returns the assignment of v to the field.
func (f Field[T, F]) To(v F) Assign[T] {
	return Assign[T]{bound[T]{f.handle, unsafe.Pointer(&v)}}
}

// Into returns *p as the destination for what the field holds.
func (f Field[T, F]) Into(p *F) Dest[T] {
	return Dest[T]{bound[T]{f.handle, unsafe.Pointer(p)}}
}

// A handle is a field of a mapping.
type handle[T any] struct {
	m *Mapping[T]
	f *field
}

// Check implements codec.Checker: a zero handle is an error.
func (h handle[T]) Check() error {
	if h.f == nil {
		return errNotMade
	}
	return nil
}

// Codec returns the *Mapping[T] that the field is of.
func (h handle[T]) Codec() codec.Codec[T] { return h.m }

// FieldName returns the field's name in the hash.
func (h handle[T]) FieldName() string {
	if h.f == nil {
		return ""
	}
	return string(h.f.name)
}

// A bound is a field and a variable of its type.
type bound[T any] struct {
	handle[T]
	p unsafe.Pointer
}

// Check implements codec.Checker: a zero handle, and an Into of a nil pointer, are
// errors.
func (b bound[T]) Check() error {
	if err := b.handle.Check(); err != nil {
		return err
	}
	if b.p == nil {
		return fmt.Errorf("hashmap: %s: Into was given a nil pointer; give it the variable to set", b.f.path)
	}
	return nil
}

// An Assign is a field of a T and the value it is to have: a
// codec.FieldAppender[T].
type Assign[T any] struct{ bound[T] }

var _ codec.FieldAppender[struct{}] = Assign[struct{}]{}

// AppendField implements codec.FieldAppender. ok is false for a nil pointer, and
// for an empty value of a field that is tagged omitempty.
func (a Assign[T]) AppendField(dst []byte) (b []byte, ok bool, err error) {
	if err := a.Check(); err != nil {
		return dst, false, err
	}
	return a.f.append(dst, a.p)
}

// A Dest is a field of a T and the variable that what it holds is read into: a
// codec.FieldReader[T].
type Dest[T any] struct{ bound[T] }

var (
	_ codec.FieldReader[struct{}] = Dest[struct{}]{}
	_ codec.AlwaysStored          = Dest[struct{}]{}
)

// AlwaysStored implements codec.AlwaysStored.
func (d Dest[T]) AlwaysStored() bool { return d.f != nil && d.f.always }

// ParseField implements codec.FieldReader. After an error the variable holds
// nothing to rely on.
func (d Dest[T]) ParseField(src []byte) error {
	if err := d.Check(); err != nil {
		return err
	}
	d.f.clear(d.p)
	return d.f.parse(src, d.p)
}

// ClearField implements codec.FieldReader.
func (d Dest[T]) ClearField() {
	if d.Check() == nil {
		d.f.clear(d.p)
	}
}
