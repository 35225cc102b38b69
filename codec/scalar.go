package codec

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
	"unsafe"
)

// A Scalar is the text form of one type that is known only at run time: the
// bytes of a hash field, say. It is what Text is made of:
//
//	string      its bytes, as they are
//	[]byte      its bytes, as they are; nil and empty are both no bytes, read as empty
//	bool        true, false; strconv.ParseBool's other spellings (1, 0, ...) are read
//	integers    decimal; a number that does not fit the type is an error
//	floats      shortest decimal that reads back the same: 1.5, 1e+21, NaN, +Inf, -Inf;
//	            Redis's nan, inf and -inf are read
//	Duration    1m30s; a bare integer is read as nanoseconds
//	time.Time   RFC 3339 with the nanoseconds it needs, in its own zone offset. A year outside
//	            0 to 9999 and an offset that is no whole minute are errors. The zone's name
//	            and the monotonic clock are not kept
//
// and named types of these (a named Duration is an integer: Go does not remember
// what it was named after). A type with text methods (encoding.TextAppender or
// TextMarshaler, and TextUnmarshaler, on itself or its pointer) is written with
// them, whatever its kind. If these come from an embedded type, and the struct has other
// exported fields, which they would lose, it has no text form.
//
// A Scalar is safe for concurrent use.
type Scalar struct {
	t    reflect.Type
	form form
	size uintptr // of the variable, in bytes
	bits int     // of the variable, if it is a number
}

// A form is how a Scalar's bytes are made.
type form uint8

const (
	formString form = iota
	formBytes
	formBool
	formInt
	formUint
	formFloat
	formDuration
	formTime
	formMethods // the type's own methods
)

// ScalarOf returns the text form of t. A type that has none is an error, which
// says what to do about it.
func ScalarOf(t reflect.Type) (*Scalar, error) {
	f, err := formOf(t)
	if err != nil {
		return nil, err
	}
	return &Scalar{t, f, t.Size(), int(t.Size()) * 8}, nil
}

func formOf(t reflect.Type) (form, error) {
	if t == nil {
		return 0, errors.New("codec: a nil reflect.Type has no text form; use reflect.TypeFor")
	}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return formDuration, nil
	case reflect.TypeFor[time.Time]():
		return formTime, nil
	}
	own, err := textMethods.has(t)
	if err != nil {
		return 0, err
	}
	if own {
		return formMethods, nil
	}
	return formOfKind(t)
}

func formOfKind(t reflect.Type) (form, error) {
	switch t.Kind() {
	case reflect.String:
		return formString, nil
	case reflect.Bool:
		return formBool, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return formInt, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return formUint, nil
	case reflect.Float32, reflect.Float64:
		return formFloat, nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return formBytes, nil
		}
	case reflect.Struct:
		if t.ConvertibleTo(reflect.TypeFor[time.Time]()) {
			return formTime, nil
		}
	}
	return 0, fmt.Errorf("codec: %v has no text form; give it MarshalText and UnmarshalText, or use Msgpack or JSON", t)
}

// Append appends the text of the variable at p, which must be of the Scalar's
// type, and returns the longer slice. On an error it returns dst as it was. It
// allocates only where dst is too short, and for types with text methods.
func (s *Scalar) Append(dst []byte, p unsafe.Pointer) ([]byte, error) {
	if s.form == formMethods {
		return textMethods.append(dst, s.t, p)
	}
	return s.appendPlain(dst, p)
}

// Parse sets the variable at p, which must be of the Scalar's type and hold its
// zero value, from src. It keeps nothing of src and allocates only what the
// variable keeps. The error names the type and never holds the bytes: of an
// error or panic of the type's own UnmarshalText it shows the type only.
func (s *Scalar) Parse(src []byte, p unsafe.Pointer) error {
	if s.form == formMethods {
		return textMethods.parse(src, s.t, p)
	}
	return s.parsePlain(src, p)
}

// appendPlain is Append without the type's own methods. Every call in it is
// static, so that p does not escape.
func (s *Scalar) appendPlain(dst []byte, p unsafe.Pointer) ([]byte, error) {
	switch s.form {
	case formString:
		return append(dst, *(*string)(p)...), nil
	case formBytes:
		return append(dst, *(*[]byte)(p)...), nil
	case formBool:
		return strconv.AppendBool(dst, *(*bool)(p)), nil
	case formInt:
		return strconv.AppendInt(dst, loadInt(p, s.size), 10), nil
	case formUint:
		return strconv.AppendUint(dst, loadUint(p, s.size), 10), nil
	case formFloat:
		return appendFloat(dst, loadFloat(p, s.size), s.bits), nil
	case formDuration:
		return append(dst, (*(*time.Duration)(p)).String()...), nil
	default:
		return appendTime(dst, *(*time.Time)(p))
	}
}

func (s *Scalar) parsePlain(src []byte, p unsafe.Pointer) error {
	// Nothing below keeps text: strconv and time copy what they quote in errors.
	text := unsafe.String(unsafe.SliceData(src), len(src))
	switch s.form {
	case formString:
		*(*string)(p) = string(src)
	case formBytes:
		*(*[]byte)(p) = append([]byte{}, src...)
	case formBool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return s.unreadable("it is neither true nor false")
		}
		*(*bool)(p) = b
	case formInt:
		if n, ok := parseShort(text); ok && n>>(s.bits-1) == 0 {
			storeUint(p, s.size, n)
			return nil
		}
		n, err := strconv.ParseInt(text, 10, s.bits)
		if err != nil {
			return s.badNumber(err)
		}
		storeUint(p, s.size, uint64(n))
	case formUint:
		if n, ok := parseShort(text); ok && n>>(s.bits-1) == 0 {
			storeUint(p, s.size, n)
			return nil
		}
		n, err := strconv.ParseUint(text, 10, s.bits)
		if err != nil {
			return s.badNumber(err)
		}
		storeUint(p, s.size, n)
	case formFloat:
		f, err := strconv.ParseFloat(text, s.bits)
		if err != nil {
			return s.badNumber(err)
		}
		storeFloat(p, s.size, f)
	case formDuration:
		return s.parseDuration(text, (*time.Duration)(p))
	default:
		var t time.Time
		if t.UnmarshalText(src) != nil {
			return s.unreadable("it is no RFC 3339 time")
		}
		*(*time.Time)(p) = t
	}
	return nil
}

func (s *Scalar) parseDuration(text string, d *time.Duration) (err error) {
	if n, ok := parseShort(text); ok {
		*d = time.Duration(n)
		return nil
	}
	// A duration ends in its unit, so that only an integer ends in a digit.
	if n := len(text); n > 0 && '0' <= text[n-1] && text[n-1] <= '9' {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return s.badNumber(err)
		}
		*d = time.Duration(n)
		return nil
	}
	if *d, err = time.ParseDuration(text); err != nil {
		return s.unreadable("it is neither a duration in range, such as 1m30s, nor an integer of nanoseconds")
	}
	return nil
}

// unreadable is the error of bytes that are no text of the type. The errors of
// strconv and time quote their input, so they go no further.
func (s *Scalar) unreadable(why string) error {
	return fmt.Errorf("codec: the stored text cannot be read as %v: %s", s.t, why)
}

func (s *Scalar) badNumber(err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return s.unreadable("the number is out of range")
	}
	return s.unreadable("it is no decimal number")
}

// appendFloat writes an exponent only where a person would.
func appendFloat(dst []byte, f float64, bits int) []byte {
	form := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(dst, f, form, -1, bits)
}

func appendTime(dst []byte, t time.Time) ([]byte, error) {
	if _, offset := t.Zone(); offset%60 != 0 {
		return dst, errors.New("codec: RFC 3339 has no zone offset with seconds; use Time.UTC")
	}
	b, err := t.AppendText(dst)
	if err != nil {
		return dst, errors.New("codec: RFC 3339 has no year outside 0 to 9999 and no zone offset of a day or more")
	}
	return b, nil
}

func loadInt(p unsafe.Pointer, size uintptr) int64 {
	switch size {
	case 1:
		return int64(*(*int8)(p))
	case 2:
		return int64(*(*int16)(p))
	case 4:
		return int64(*(*int32)(p))
	}
	return *(*int64)(p)
}

func loadUint(p unsafe.Pointer, size uintptr) uint64 {
	switch size {
	case 1:
		return uint64(*(*uint8)(p))
	case 2:
		return uint64(*(*uint16)(p))
	case 4:
		return uint64(*(*uint32)(p))
	}
	return *(*uint64)(p)
}

// storeUint stores a number of either sign whose range was checked: two's
// complement makes them one.
func storeUint(p unsafe.Pointer, size uintptr, n uint64) {
	switch size {
	case 1:
		*(*uint8)(p) = uint8(n)
	case 2:
		*(*uint16)(p) = uint16(n)
	case 4:
		*(*uint32)(p) = uint32(n)
	default:
		*(*uint64)(p) = n
	}
}

func loadFloat(p unsafe.Pointer, size uintptr) float64 {
	if size == 4 {
		return float64(*(*float32)(p))
	}
	return *(*float64)(p)
}

func storeFloat(p unsafe.Pointer, size uintptr, f float64) {
	if size == 4 {
		*(*float32)(p) = float32(f)
		return
	}
	*(*float64)(p) = f
}

// parseShort reads up to 18 decimal digits, which is what most numbers are, at
// half the cost of strconv: that handles signs, bases, underscores and overflow.
func parseShort(text string) (n uint64, ok bool) {
	if len(text) == 0 || len(text) > 18 {
		return 0, false
	}
	for i := range len(text) {
		c := text[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return n, true
}
