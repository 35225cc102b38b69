package keyspace

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// A keyText appends the text of the key at p.
type keyText func(dst []byte, p unsafe.Pointer) ([]byte, error)

// keyTextOf returns the text form of a key type. Reflection is done here, once.
func keyTextOf(t reflect.Type) (keyText, error) {
	if text := keyMethods(t); text != nil {
		return text, checkEmbedded(t, text)
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		scalar, err := codec.ScalarOf(t)
		if err != nil {
			return nil, err
		}
		return scalar.Append, nil
	case reflect.Struct:
		return keyTextOfStruct(t)
	}
	return nil, fmt.Errorf("%v has no text form as a key: use a string, an integer, "+
		"a type with MarshalText or a struct of those, or set Key", t)
}

// keyMethods returns the text form of a type that has methods for it.
func keyMethods(t reflect.Type) keyText {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return nil // equal texts would not mean equal keys
	}
	pt := reflect.PointerTo(t)
	switch {
	case pt.Implements(reflect.TypeFor[encoding.TextAppender]()):
		return func(dst []byte, p unsafe.Pointer) ([]byte, error) {
			return reflect.NewAt(t, p).Interface().(encoding.TextAppender).AppendText(dst)
		}
	case pt.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return func(dst []byte, p unsafe.Pointer) ([]byte, error) {
			text, err := reflect.NewAt(t, p).Interface().(encoding.TextMarshaler).MarshalText()
			return append(dst, text...), err
		}
	}
	return nil
}

// keyTextOfStruct joins the fields with ':'. Escaping makes different keys have
// different texts. Blank fields do not count, as in a comparison.
func keyTextOfStruct(t reflect.Type) (keyText, error) {
	type field struct {
		offset uintptr
		text   keyText
	}
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" {
			continue
		}
		text, err := keyTextOf(f.Type)
		if err != nil {
			return nil, fmt.Errorf("field %s.%s: %w", t, f.Name, err)
		}
		fields = append(fields, field{f.Offset, text})
	}
	return func(dst []byte, p unsafe.Pointer) ([]byte, error) {
		for i, f := range fields {
			if i > 0 {
				dst = append(dst, ':')
			}
			from := len(dst)
			var err error
			if dst, err = f.text(dst, unsafe.Add(p, f.offset)); err != nil {
				return dst, err
			}
			dst = escape(dst, from)
		}
		return dst, nil
	}, nil
}

var escaper = strings.NewReplacer("%", "%25", ":", "%3A")

// escape replaces what separates fields in dst[from:].
func escape(dst []byte, from int) []byte {
	if !bytes.ContainsAny(dst[from:], ":%") {
		return dst
	}
	return append(dst[:from], escaper.Replace(string(dst[from:]))...)
}
