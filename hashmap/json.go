package hashmap

import (
	"errors"
	"reflect"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// jsonValue is the form of a field tagged json. encoding/json works by
// reflection whoever calls it, so that handing it a typed pointer costs nothing
// that is not spent anyway.
type jsonValue struct{ t reflect.Type }

// anyJSON reads into the pointer that the any holds.
var anyJSON = codec.JSON[any]()

func (v jsonValue) Append(dst []byte, p unsafe.Pointer) ([]byte, error) {
	return anyJSON.AppendValue(dst, reflect.NewAt(v.t, p).Interface())
}

func (v jsonValue) Parse(src []byte, p unsafe.Pointer) error {
	into := reflect.NewAt(v.t, p).Interface()
	return anyJSON.ParseValue(src, &into)
}

// jsonProblem says what encoding/json cannot give back of t.
func jsonProblem(t reflect.Type) error {
	return errors.Join(codec.JSONProblems(t, "redis")...)
}
