package keyspace

import (
	"bytes"
	"fmt"
	"reflect"
	"unsafe"
)

// checkEmbedded returns an error for a struct whose text is not different for different keys.
// Embedding a type that has a text makes that the text of the whole, without the other fields,
// unless the struct has a text of its own: so the text of two keys is compared.
func checkEmbedded(t reflect.Type, text keyText) error {
	if t.Kind() != reflect.Struct || !embedsText(t) {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" || f.Anonymous {
			continue
		}
		if leftOut(t, f, text) {
			return fmt.Errorf("the text of %v is that of an embedded field: "+
				"keys that differ only in %s would share an entry; "+
				"give %v a MarshalText of its own, or set Key", t, f.Name, t)
		}
	}
	return nil
}

func embedsText(t reflect.Type) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && keyMethods(f.Type) != nil {
			return true
		}
	}
	return false
}

// leftOut reports whether a key with something in f has the text of one with nothing
// there. A method that fails for such keys proves nothing.
func leftOut(t reflect.Type, f reflect.StructField, text keyText) (same bool) {
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	without, with := reflect.New(t), reflect.New(t)
	if !fill(reflect.NewAt(f.Type, unsafe.Add(with.UnsafePointer(), f.Offset)).Elem()) {
		return false
	}
	a, err := text(nil, without.UnsafePointer())
	if err != nil {
		return false
	}
	b, err := text(nil, with.UnsafePointer())
	return err == nil && bytes.Equal(a, b)
}

// fill makes v differ from its zero value, and reports whether it can.
func fill(v reflect.Value) bool {
	switch {
	case v.CanInt():
		v.SetInt(1)
	case v.CanUint():
		v.SetUint(1)
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.String:
		v.SetString("1")
	default:
		return false
	}
	return true
}
