package codec

import (
	"errors"
	"reflect"
	"sync"
	"time"
)

var errJSONOffset = errors.New("codec: JSON has no zone offset with seconds, and would store another moment; use Time.UTC")

// losesOffset reports whether there is a time.Time in v, which encoding/json has written,
// whose zone offset has seconds: time.Time's MarshalJSON drops them. It does not look into
// what interfaces hold, nor where a type has methods of its own.
func losesOffset(v reflect.Value) bool {
	if v.Kind() == reflect.Interface { // the pointer of a field that is tagged json, see package hashmap
		v = v.Elem()
	}
	return v.IsValid() && holdsTime(v.Type()) && offsetIn(v)
}

func offsetIn(v reflect.Value) bool {
	t := v.Type()
	if t == timeType {
		_, offset := v.Interface().(time.Time).Zone()
		return offset%60 != 0
	}
	if !holdsTime(t) {
		return false
	}
	switch t.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && offsetIn(v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if offsetIn(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			if offsetIn(iter.Key()) || offsetIn(iter.Value()) {
				return true
			}
		}
	case reflect.Struct:
		for i := range t.NumField() {
			if isJSONField(t.Field(i)) && offsetIn(v.Field(i)) {
				return true
			}
		}
	}
	return false
}

// isJSONField reports whether json may write the field, or one of the struct embedded as it.
// A value of an unexported one cannot be looked at, save the exported fields of an embedded
// struct.
func isJSONField(f reflect.StructField) bool {
	return f.Tag.Get("json") != "-" && (f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct)
}

// timeHolders has, for each type that was asked for, whether it holds a time.Time.
var timeHolders sync.Map

// holdsTime reports whether json may write a time.Time in a variable of type t.
func holdsTime(t reflect.Type) bool {
	if known, ok := timeHolders.Load(t); ok {
		return known.(bool)
	}
	holds := searchTime(t, map[reflect.Type]bool{})
	timeHolders.Store(t, holds)
	return holds
}

// searchTime is holdsTime without the types that are being searched.
func searchTime(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == timeType {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return searchTime(t.Elem(), seen)
	case reflect.Map:
		return searchTime(t.Key(), seen) || searchTime(t.Elem(), seen)
	case reflect.Struct:
		if p := reflect.PointerTo(t); p.Implements(jsonMarshaler) && !isTimeAlone(t) {
			return false
		}
		for f := range t.Fields() {
			if isJSONField(f) && searchTime(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// isTimeAlone reports whether the struct type t has its JSON methods from an embedded
// time.Time.
func isTimeAlone(t reflect.Type) bool {
	from, ok := promoter(t, "MarshalJSON")
	return ok && searchTime(from.Type, map[reflect.Type]bool{})
}
