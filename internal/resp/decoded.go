package resp

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/asidecache/aside/codec"
)

// DecodedValue is ParseValue for a value that go-redis has decoded.
func DecodedValue(w *codec.Wire, shape codec.Shape, v any) (found bool, err error) {
	switch v := v.(type) {
	case string:
		if shape == codec.ShapeString {
			w.Add(nil, []byte(v))
			return true, nil
		}
	case []any:
		if shape != codec.ShapeString {
			err := addArray(w, shape, v)
			return len(v) > 0 && err == nil, err
		}
	case map[any]any:
		if shape == codec.ShapeHash {
			for name, value := range v {
				if err := addNamed(w, name, value); err != nil {
					return false, err
				}
			}
			return len(v) > 0, nil
		}
	}
	return false, fmt.Errorf("%w: a value of type %T for a %v", ErrBroken, v, shape)
}

func addArray(w *codec.Wire, shape codec.Shape, v []any) error {
	if shape == codec.ShapeList || shape == codec.ShapeSet {
		for _, elem := range v {
			e, ok := elem.(string)
			if !ok {
				return ErrBroken
			}
			w.Add(nil, []byte(e))
		}
		return nil
	}
	if shape == codec.ShapeSortedSet {
		v = unpaired(v)
	}
	if len(v)%2 != 0 {
		return ErrBroken
	}
	for i := 0; i < len(v); i += 2 {
		name, value := v[i], v[i+1]
		if shape == codec.ShapeSortedSet {
			name, value = scoreText(v[i+1]), v[i]
		}
		if err := addNamed(w, name, value); err != nil {
			return err
		}
	}
	return nil
}

// unpaired turns the pairs of RESP3 into elements and scores in turn, as RESP2 has
// them. What is no pair stays as it is.
func unpaired(v []any) []any {
	flat := make([]any, 0, 2*len(v))
	for _, elem := range v {
		if pair, ok := elem.([]any); ok && len(pair) == 2 {
			flat = append(flat, pair...)
		} else {
			flat = append(flat, elem)
		}
	}
	return flat
}

// scoreText is a score as Redis writes it; in RESP2 it is text already.
func scoreText(score any) any {
	f, ok := score.(float64)
	switch {
	case !ok:
		return score
	case math.IsInf(f, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+"))
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func addNamed(w *codec.Wire, name, value any) error {
	n, ok1 := name.(string)
	v, ok2 := value.(string)
	if !ok1 || !ok2 {
		return ErrBroken
	}
	w.Add([]byte(n), []byte(v))
	return nil
}

// DecodedFields is ParseFields for an answer that go-redis has decoded.
func DecodedFields(w *codec.Wire, names [][]byte, values []any) (found bool, err error) {
	if len(values) != len(names) {
		return false, ErrBroken
	}
	for i, value := range values {
		switch value := value.(type) {
		case nil: // no such field
		case string:
			w.Add(names[i], []byte(value))
		default:
			return false, ErrBroken
		}
	}
	return w.Len() > 0, nil
}
