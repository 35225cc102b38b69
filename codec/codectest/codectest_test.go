package codectest_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

// A recorder is a testing.TB that keeps what is reported to it.
type recorder struct {
	testing.TB
	reports []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.reports = append(r.reports, fmt.Sprintf(format, args...))
}

// A broken codec of byte slices is correct, but for the functions that are set.
type broken struct {
	append func(dst, v []byte) ([]byte, error)
	parse  func(src []byte, v *[]byte) error
	encode func(w *codec.Wire, v *[]byte) error
	shape  codec.Shape
}

func (c broken) Shape() codec.Shape { return c.shape }

func (c broken) AppendValue(dst, v []byte) ([]byte, error) {
	if c.append != nil {
		return c.append(dst, v)
	}
	return append(dst, v...), nil
}

func (c broken) ParseValue(src []byte, v *[]byte) error {
	if c.parse != nil {
		return c.parse(src, v)
	}
	*v = append([]byte{}, src...)
	return nil
}

func (c broken) Encode(w *codec.Wire, v *[]byte) error {
	if c.encode != nil {
		return c.encode(w, v)
	}
	b, err := c.AppendValue(w.Scratch(), *v)
	w.Keep(nil, b)
	return err
}

func (c broken) Decode(w *codec.Wire, v *[]byte) error {
	b, err := w.Sole()
	if err != nil {
		return err
	}
	return c.ParseValue(b, v)
}

// values returns values that a broken codec may change.
func values() [][]byte {
	return [][]byte{[]byte("one value"), {}, []byte("another value")}
}

func TestRunFindsNothingWrongWithAGoodCodec(t *testing.T) {
	codectest.Run(t, broken{}, values()...)
}

func TestRunFindsBrokenCodecs(t *testing.T) {
	var shared []byte
	for want, c := range map[string]broken{
		"not equal":                   {parse: func(_ []byte, v *[]byte) error { *v = []byte("constant"); return nil }},
		"Decode of what Encode wrote": {parse: func([]byte, *[]byte) error { return errors.New("no") }},
		"an entry of another version": {parse: func([]byte, *[]byte) error { return fmt.Errorf("no: %w", codec.ErrOutdated) }},
		"Encode: no":                  {append: func(dst, _ []byte) ([]byte, error) { return dst, errors.New("no") }},
		"changed the value": {encode: func(w *codec.Wire, v *[]byte) error {
			slices.Sort(*v)
			w.Add(nil, *v)
			return nil
		}},
		"kept bytes it borrowed":  {parse: func(src []byte, v *[]byte) error { *v = src; return nil }},
		"wrote to the bytes it b": {parse: func(src []byte, v *[]byte) error { *v = bytes.Clone(src); clear(src); return nil }},
		"did not keep what stood": {append: func(_, v []byte) ([]byte, error) { return bytes.Clone(v), nil }},
		"returned memory of the value": {append: func(dst, v []byte) ([]byte, error) {
			if len(dst) == 0 {
				return v, nil
			}
			return append(dst, v...), nil
		}},
		"made 2": {encode: func(w *codec.Wire, v *[]byte) error { w.Add(nil, *v); w.Add(nil, *v); return nil }},
		"a span of a string has a name": {encode: func(w *codec.Wire, v *[]byte) error {
			w.Add([]byte("name"), *v)
			return nil
		}},
		"a span of a hash has no name": {shape: codec.ShapeHash},
		"no known shape":               {shape: 77},
		"two spans of a hash have one name": {shape: codec.ShapeHash, encode: func(w *codec.Wire, v *[]byte) error {
			w.Add([]byte("name"), *v)
			w.Add([]byte("name"), *v)
			return nil
		}},
		"a span of a zset has no name": {shape: codec.ShapeSortedSet},
		"a span of a set has a name": {shape: codec.ShapeSet, encode: func(w *codec.Wire, v *[]byte) error {
			w.Add([]byte("name"), *v)
			return nil
		}},
		"two elements of a set have the same bytes": {shape: codec.ShapeSet, encode: func(w *codec.Wire, v *[]byte) error {
			w.Add(nil, *v)
			w.Add(nil, *v)
			return nil
		}},
		"two elements of a zset have the same bytes": {shape: codec.ShapeSortedSet, encode: scored("1", "x", "2", "x")},
		"a score of a zset is no number":             {shape: codec.ShapeSortedSet, encode: scored("1", "x", "two", "y")},
		"not in Redis's order, by":                   {shape: codec.ShapeSortedSet, encode: scored("10", "x", "9", "y")},
		"and then by bytes":                          {shape: codec.ShapeSortedSet, encode: scored("1", "y", "1", "x")},
		"Decode panicked": {parse: func(src []byte, v *[]byte) error {
			if len(src) > 0 && src[0] == 0xff {
				panic("index")
			}
			*v = append([]byte{}, src...)
			return nil
		}},
		"shows the value": {parse: func(src []byte, v *[]byte) error {
			if bytes.ContainsAny(src, "0123456789") {
				return fmt.Errorf("bad digit in %q", src)
			}
			*v = append([]byte{}, src...)
			return nil
		}},
		"only claim to need": {parse: func(src []byte, v *[]byte) error {
			if bytes.HasPrefix(src, []byte("\xdd\xff\xff\xff\xff")) {
				shared = make([]byte, 64<<20)
			}
			*v = append([]byte{}, src...)
			return nil
		}},
		"change what Decode accepted": {
			append: func(dst, v []byte) ([]byte, error) {
				if bytes.HasPrefix(v, []byte("\xff")) {
					dst = append(dst, 0xff) // one more each time
				}
				return append(dst, v...), nil
			},
		},
		"Encode panicked on what": {append: func(dst, v []byte) ([]byte, error) {
			if bytes.HasPrefix(v, []byte("\xff")) {
				panic("index")
			}
			return append(dst, v...), nil
		}},
		"Decode refused what Encode": {
			append: func(dst, v []byte) ([]byte, error) {
				if bytes.HasPrefix(v, []byte("\xff")) {
					return append(dst, "\xfe refused"...), nil
				}
				return append(dst, v...), nil
			},
			parse: func(src []byte, v *[]byte) error {
				if bytes.HasPrefix(src, []byte("\xfe")) {
					return errors.New("refused")
				}
				*v = append([]byte{}, src...)
				return nil
			},
		},
	} {
		var r recorder
		codectest.Run(&r, c, values()...)
		if !strings.Contains(strings.Join(r.reports, "\n"), want) {
			t.Errorf("a codec that is to be found guilty of %q was reported for %q", want, r.reports)
		}
	}
	_ = shared
}

// scored writes a sorted set of scores and elements in turn.
func scored(parts ...string) func(*codec.Wire, *[]byte) error {
	return func(w *codec.Wire, _ *[]byte) error {
		for i := 0; i < len(parts); i += 2 {
			w.Add([]byte(parts[i]), []byte(parts[i+1]))
		}
		return nil
	}
}

func TestSuiteFindsBytesThatDiffer(t *testing.T) {
	var n byte
	c := broken{
		append: func(dst, v []byte) ([]byte, error) { n++; return append(append(dst, n), v...), nil },
		parse: func(src []byte, v *[]byte) error {
			if len(src) == 0 {
				return errors.New("empty")
			}
			*v = append([]byte{}, src[1:]...)
			return nil
		},
	}
	var r recorder
	codectest.Suite[[]byte]{Codec: concurrent{c}, Values: values(), Deterministic: true}.Run(&r)
	if !strings.Contains(strings.Join(r.reports, "\n"), "other bytes") {
		t.Errorf("reported %q, want other bytes", r.reports)
	}
}

func TestSuiteChecksRefusedValues(t *testing.T) {
	refuse := broken{append: func(dst, v []byte) ([]byte, error) {
		if string(v) == "bad" {
			return append(dst, "half"...), errors.New("bad")
		}
		return append(dst, v...), nil
	}}
	for want, c := range map[string]broken{
		"AppendValue gave no error":            {},
		"Encode gave no error":                 {},
		"AppendValue did not return dst as it": refuse,
	} {
		var r recorder
		codectest.Suite[[]byte]{Codec: c, Values: values(), Refused: [][]byte{[]byte("bad")}}.Run(&r)
		if !strings.Contains(strings.Join(r.reports, "\n"), want) {
			t.Errorf("reported %q, want %q", r.reports, want)
		}
	}
}

func TestSuiteFindsCallsThatDisturbEachOther(t *testing.T) {
	var r recorder
	synctest.Test(t, func(*testing.T) { codectest.Run(&r, &oneAtATime{}, values()...) })
	if !strings.Contains(strings.Join(r.reports, "\n"), "goroutines at once") {
		t.Errorf("reported %q, want one about goroutines at once", r.reports)
	}
}

func TestRunWithoutValuesIsAnError(t *testing.T) {
	var r recorder
	codectest.Run[[]byte](&r, broken{})
	if len(r.reports) != 1 || !strings.Contains(r.reports[0], "no values") {
		t.Errorf("reported %q", r.reports)
	}
}

func TestRunReportsCheck(t *testing.T) {
	var r recorder
	codectest.Run(&r, codec.Text[chan int](), nil)
	if len(r.reports) != 1 || !strings.Contains(r.reports[0], "chan int has no text form") {
		t.Errorf("reported %q", r.reports)
	}
}
