package hashmap

import (
	"errors"
	"reflect"
	"unsafe"

	"github.com/asidecache/aside/codec"
)

// jsonValue is the form of a field tagged json. encoding/json works by
// reflection in any case, so that a pointer made by reflection costs nothing more.
type jsonValue struct {
	t      reflect.Type
	fields *codec.JSONFields // nil with MissingFieldsAreZero
}

// anyJSON reads into the pointer that the any holds.
var anyJSON = codec.JSON[any]()

func (v jsonValue) Append(dst []byte, p unsafe.Pointer) ([]byte, error) {
	return anyJSON.AppendValue(dst, reflect.NewAt(v.t, p).Interface())
}

func (v jsonValue) Parse(src []byte, p unsafe.Pointer) error {
	into := reflect.NewAt(v.t, p).Interface()
	if err := anyJSON.ParseValue(src, &into); err != nil || v.fields == nil {
		return err
	}
	return v.fields.Check(src)
}

// jsonProblem says what encoding/json cannot read back of t.
func jsonProblem(t reflect.Type) error {
	return errors.Join(codec.JSONProblems(t, "redis")...)
}
