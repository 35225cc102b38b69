package codec_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

type user struct {
	ID   int64
	Name string
	Tags []string
	Next *user
}

var users = []user{{}, {ID: 42, Name: "<Ann & Bob>", Tags: []string{"a"}, Next: &user{ID: 1}}}

func TestBytesContract(t *testing.T) {
	codectest.Suite[blob]{Codec: codec.Bytes[blob](), Values: []blob{{}, blob("a\x00\xff")}, Deterministic: true}.Run(t)
}

func TestJSONContract(t *testing.T) {
	codectest.Suite[user]{Codec: codec.JSON[user](), Values: users, Deterministic: true}.Run(t)
	codectest.Run[any](t, codec.JSON[any](), nil, 1.5, map[string]any{"a": []any{"b", true}})
	codectest.Run(t, codec.JSON[*user](), nil, &users[1])
	codectest.Suite[float64]{Codec: codec.JSON[float64](), Values: []float64{1}, Refused: []float64{math.NaN()}}.Run(t)
}

func stored[V any](t *testing.T, c codec.Codec[V], v V) string {
	t.Helper()
	var w codec.Wire
	w.Reset("k")
	if err := c.Encode(&w, &v); err != nil {
		t.Fatal(err)
	}
	b, err := w.Sole()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func load[V any](c codec.Codec[V], key, bytes string) (v V, err error) {
	var w codec.Wire
	w.Reset(key)
	w.Add(nil, []byte(bytes))
	err = c.Decode(&w, &v)
	return v, err
}

func TestJSONGolden(t *testing.T) {
	want := `{"ID":42,"Name":"<Ann & Bob>","Tags":["a"],"Next":{"ID":1,"Name":"","Tags":null,"Next":null}}`
	if got := stored(t, codec.JSON[user](), users[1]); got != want {
		t.Errorf("stored as %s, want %s", got, want)
	}
}

// A loud type has methods on its pointer that put the value into their errors.
type loud struct{ text string }

func (l *loud) MarshalJSON() ([]byte, error) {
	switch l.text {
	case "panic":
		panic(secret)
	case "fail":
		return nil, errors.New(secret)
	}
	return []byte(`"` + l.text + `"`), nil
}

func (l *loud) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"panic"`:
		panic(secret)
	case `"fail"`:
		return errors.New(secret)
	}
	l.text = strings.Trim(string(b), `"`)
	return nil
}

// fails checks an error's text, and that it does not show the secret.
func fails(t *testing.T, err error, why string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), "codec: ") || !strings.Contains(err.Error(), why) {
		t.Errorf("error %v, want one of codec about %q", err, why)
	} else if strings.Contains(err.Error(), secret) {
		t.Errorf("error shows the value: %v", err)
	}
}

// deep returns the JSON of a user with n others behind it.
func deep(n int) string {
	return strings.Repeat(`{"Next":`, n) + "{}" + strings.Repeat("}", n)
}

func TestJSONReadsDeepNesting(t *testing.T) {
	if _, err := load(codec.JSON[user](codec.MissingFieldsAreZero()), "k", deep(9_999)); err != nil {
		t.Error(err)
	}
	_, err := load(codec.JSON[user](), "k", deep(9_999))
	if !errors.Is(err, codec.ErrOutdated) || len(err.Error()) > 500 {
		t.Errorf("%.200v, want a short ErrOutdated", err)
	}
}

func TestJSONErrors(t *testing.T) {
	c := codec.JSON[user]()
	for bytes, why := range map[string]string{
		`{"ID":1} {}`:             "byte 10",
		`{"ID":"` + secret + `"}`: "field ID",
		`{"ID":1e400}`:            "field ID",
		`{"Next":{"Name":12345}}`: "field Next.Name",
		`"` + secret + `"`:        "does not fit",
		`{"ID":` + secret:         "no JSON",
		``:                        "no JSON",
		deep(10_000):              "no JSON",
	} {
		_, err := load(c, "k", bytes)
		fails(t, err, why)
	}
	if v, err := load(codec.JSON[loud](), "k", `"soft"`); err != nil || v.text != "soft" {
		t.Errorf("%v, %v", v, err)
	}
	for text, why := range map[string]string{"panic": "panicked with a string", "fail": "failed with a *errors.errorString"} {
		_, err := load(codec.JSON[loud](), "k", `"`+text+`"`)
		fails(t, err, why)
		b, err := codec.JSON[loud]().AppendValue([]byte("dst"), loud{text})
		fails(t, err, why)
		if string(b) != "dst" {
			t.Errorf("dst is %q after an error", b)
		}
	}
	_, err := codec.JSON[map[string]float64]().AppendValue(nil, map[string]float64{secret: math.Inf(1)})
	fails(t, err, "NaN, an infinity or a cycle")
}

func TestJSONCheck(t *testing.T) {
	fails(t, codec.JSON[struct{ C chan int }]().Check(), "chan int")
	fails(t, codec.JSON[error]().Check(), "concrete type")
	if err := codec.JSON[any]().Check(); err != nil {
		t.Error(err)
	}
}

// No codec that is made of the type alone reads an interface with methods back.
func TestInterfacesWithMethodsAreRefused(t *testing.T) {
	fails(t, codec.Msgpack[error]().Check(), "Msgpack cannot tell which type to read a error as; use a concrete type")
	fails(t, codec.Msgpack[fmt.Stringer]().Check(), "Msgpack cannot tell which type to read a fmt.Stringer as")
	fails(t, codec.JSON[fmt.Stringer]().Check(), "JSON cannot tell which type to read a fmt.Stringer as")
	fails(t, codec.Text[error]().Check(), "no text form")
	fails(t, codec.Binary[error]().Check(), "no binary form")
	fails(t, codec.List(codec.Msgpack[error]()).(codec.Checker).Check(), "concrete type")
	_, err := codec.Msgpack[error]().AppendValue(nil, io.EOF)
	fails(t, err, "concrete type")
	if err := codec.Msgpack[struct{ Err error }]().Check(); err != nil {
		t.Error(err)
	}
}

// A point has binary methods by value, and errors that show the value.
type point struct{ x, y byte }

func (p point) MarshalBinary() ([]byte, error) {
	if p.x == 0xff {
		panic(secret)
	}
	return []byte{p.x, p.y}, nil
}

func (p *point) UnmarshalBinary(b []byte) error {
	if len(b) > 2 {
		return errors.New(secret)
	}
	p.x, p.y = b[0], b[1] // panics when b is short
	return nil
}

func TestBinaryContract(t *testing.T) {
	codectest.Suite[point]{Codec: codec.Binary[point](), Values: []point{{}, {1, 2}}, Refused: []point{{0xff, 0}}}.Run(t)
	codectest.Suite[*point]{Codec: codec.Binary[*point](), Values: []*point{{1, 2}}, Refused: []*point{nil}}.Run(t)
	codectest.Run(t, codec.Binary[url.URL](), url.URL{Scheme: "https", Host: "example.org"})
	codectest.Suite[time.Time]{Codec: codec.Binary[time.Time](), Values: []time.Time{time.Unix(1, 1)}, Equal: time.Time.Equal}.Run(t)
}

func TestBinaryErrors(t *testing.T) {
	_, err := load(codec.Binary[point](), "k", "1")
	fails(t, err, "UnmarshalBinary of codec_test.point panicked")
	_, err = load(codec.Binary[*point](), "k", "123")
	fails(t, err, "UnmarshalBinary of *codec_test.point failed")
	_, err = codec.Binary[point]().AppendValue(nil, point{0xff, 0})
	fails(t, err, "MarshalBinary of codec_test.point panicked with a string")
	_, err = codec.Binary[*point]().AppendValue(nil, nil)
	fails(t, err, "nil *codec_test.point")
}

func TestBinaryCheck(t *testing.T) {
	fails(t, codec.Binary[int]().Check(), "int has no binary form")
	_, err := codec.Binary[int]().AppendValue(nil, 1)
	fails(t, err, "int has no binary form")
	if err := codec.Binary[*point]().Check(); err != nil {
		t.Error(err)
	}
}

func TestStringCodecWithoutAValue(t *testing.T) {
	fails(t, codec.StringCodec[int]{}.Check(), "make one with String")
}

func TestShapeNames(t *testing.T) {
	var got []string
	for s := range codec.ShapeSortedSet + 2 {
		got = append(got, s.String())
	}
	if s := strings.Join(got, " "); s != "string hash list set zset unknown" {
		t.Errorf("shapes are %s", s)
	}
}
