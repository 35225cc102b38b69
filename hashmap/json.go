package hashmap

import (
	"errors"
	"reflect"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// jsonValue is the form of a field tagged json. encoding/json works by
// reflection in any case, so that a pointer made by reflection costs nothing more.
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

// jsonProblem says what encoding/json cannot read back of t.
func jsonProblem(t reflect.Type) error {
	return errors.Join(codec.JSONProblems(t, "redis")...)
}
