package keyspace

import (
	"fmt"
	"reflect"

	"github.com/asidecache/aside/codec"
)

// DefaultCodec is the codec of a Config without one.
func DefaultCodec[V any]() codec.StringCodec[V] {
	t := reflect.TypeFor[V]()
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return codec.Text[V]()
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return codec.Text[V]()
		}
	}
	return codec.Msgpack[V]()
}

// RecoverCodec is deferred around a codec, and turns its panic into an error. The value of the
// panic may hold that of the cache.
func RecoverCodec(err *error) {
	if v := recover(); v != nil {
		*err = panicked("the codec", v)
	}
}

// RecoverUpgrade is RecoverCodec for the function that upgrades a value.
func RecoverUpgrade(err *error) {
	if v := recover(); v != nil {
		*err = panicked("the function of Upgrade", v)
	}
}

func panicked(who string, v any) error {
	return fmt.Errorf("%s panicked with a value of type %T, "+
		"which is not shown because it may hold the value", who, v)
}
