package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
)

// JSON stores what encoding/json writes, without its escaping of <, > and &:
// methods such as MarshalJSON are called on V or its pointer. Bytes after the
// value are refused, and so is a nesting deeper than the 10,000 levels of
// encoding/json.
//
// Errors say what went wrong, and where in the bytes or in which field, but
// show nothing of the value. As always with encoding/json, what is not UTF-8 in a
// string is replaced by U+FFFD: for such strings use Msgpack. A time.Time whose zone offset
// has seconds, as local times before about 1937 can have, is an error: encoding/json would
// drop them, and store another moment. In an any, and within a type's own methods, it does.
// Which pointer of a pointer to a pointer is nil is not stored.
//
// For a type that encoding/json cannot read back as it was, the codec's Check returns an
// error that names the fields: what it cannot write (a func, a channel) or cannot read (an
// interface with methods, a type whose methods only write, an embedded pointer to an
// unexported struct), or silently leaves out (a struct without exported fields, two fields
// of one name, the fields of a struct that is written by the methods of a type embedded in
// it). Unexported fields of a struct that has exported ones are left out, as by every codec.
// What a field of type any holds is not known to Check.
//
// JSON that lacks a field which is always written is an ErrOutdated, unless the option
// MissingFieldsAreZero is given. As encoding/json does, names in another case are accepted.
func JSON[V any](opts ...Option) StringCodec[V] {
	v := jsonValue[V]{}
	if t := reflect.TypeFor[V](); !missingAreZero(opts) {
		v.fields = JSONFieldsOf(t)
	}
	return String[V](v)
}

type jsonValue[V any] struct {
	fields *JSONFields // nil with MissingFieldsAreZero
}

// A jsonEncoder is an encoder that appends to dst.
type jsonEncoder struct {
	dst []byte
	*json.Encoder
}

var jsonEncoders = sync.Pool{New: func() any {
	e := new(jsonEncoder)
	e.Encoder = json.NewEncoder(e)
	e.SetEscapeHTML(false)
	return e
}}

func (e *jsonEncoder) Write(p []byte) (int, error) {
	e.dst = append(e.dst, p...)
	return len(p), nil
}

func (c jsonValue[V]) Check() error {
	t := reflect.TypeFor[V]()
	if err := concrete("JSON", t); err != nil {
		return err
	}
	var errs []error
	for _, problem := range JSONProblems(t, "") {
		errs = append(errs, fmt.Errorf("codec: JSON cannot give back type %v: %w", t, problem))
	}
	return errors.Join(errs...)
}

func (c jsonValue[V]) AppendValue(dst []byte, v V) ([]byte, error) {
	b, err := c.append(dst, &v)
	if err != nil {
		return dst, jsonError(reflect.TypeFor[V](), err)
	}
	if losesOffset(reflect.ValueOf(&v).Elem()) {
		return dst, errJSONOffset
	}
	return b[:len(b)-1], nil // without the encoder's line feed
}

func (c jsonValue[V]) append(dst []byte, v *V) (b []byte, err error) {
	defer contain(&err)
	e := jsonEncoders.Get().(*jsonEncoder)
	e.dst = dst
	err = e.Encode(v)
	b, e.dst = e.dst, nil
	jsonEncoders.Put(e)
	return b, err
}

func (c jsonValue[V]) ParseValue(src []byte, v *V) error {
	if err := c.parse(src, v); err != nil {
		return jsonError(reflect.TypeFor[V](), err)
	}
	if c.fields != nil {
		return c.fields.Check(src)
	}
	return nil
}

func (c jsonValue[V]) parse(src []byte, v *V) (err error) {
	defer contain(&err)
	return json.Unmarshal(src, v)
}

// jsonError replaces the error of encoding/json, which in most cases quotes the value.
func jsonError(t reflect.Type, err error) error {
	switch err := err.(type) {
	case *json.SyntaxError:
		return fmt.Errorf("codec: the stored bytes are no JSON of type %v: wrong or missing at byte %d", t, err.Offset)
	case *json.UnmarshalTypeError:
		if err.Field != "" {
			return fmt.Errorf("codec: the stored JSON is none of type %v: field %s at byte %d does not fit its %v", t, err.Field, err.Offset, err.Type)
		}
		return fmt.Errorf("codec: the stored JSON is none of type %v: what ends at byte %d does not fit type %v", t, err.Offset, err.Type)
	case *json.UnsupportedTypeError:
		return fmt.Errorf("codec: JSON cannot hold the %v in type %v; use Msgpack or Binary, or leave it out with the tag json:\"-\"", err.Type, t)
	case *json.UnsupportedValueError:
		return fmt.Errorf("codec: JSON cannot hold this %v: it has a NaN, an infinity or a cycle", t)
	case *json.MarshalerError:
		return opaque(fmt.Sprintf("the JSON or text method of %v", err.Type), err.Err)
	}
	return opaque(fmt.Sprintf("JSON of type %v", t), err)
}
