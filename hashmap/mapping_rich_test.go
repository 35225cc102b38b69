package hashmap_test

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

type (
	level  int8
	title  string
	ratio  float32
	yesno  bool
	blob   []byte
	waited time.Duration
)

// A uuid is an array with text methods.
type uuid [2]byte

func (u uuid) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%02x-%02x", u[0], u[1]), nil }
func (u *uuid) UnmarshalText(b []byte) error {
	if n, err := fmt.Sscanf(string(b), "%02x-%02x", &u[0], &u[1]); err != nil || n != 2 {
		return errors.New("no uuid: " + string(b))
	}
	return nil
}

// A color is a number with text methods: it must not be stored as the number.
type color uint8

func (c color) AppendText(b []byte) ([]byte, error) {
	if c > 1 {
		return append(b, "half"...), errors.New("no such color")
	}
	return append(b, [...]string{"red", "green"}[c]...), nil
}

func (c *color) UnmarshalText(b []byte) error {
	switch string(b) {
	case "red":
		*c = 0
	case "green":
		*c = 1
	default:
		return errors.New("no color: " + string(b))
	}
	return nil
}

// A slug is a string with text methods: it must not be stored as the string.
type slug string

func (s slug) MarshalText() ([]byte, error) { return []byte("slug-" + s), nil }
func (s *slug) UnmarshalText(b []byte) error {
	text, ok := strings.CutPrefix(string(b), "slug-")
	if !ok {
		return errors.New("no slug: " + string(b))
	}
	*s = slug(text)
	return nil
}

type address struct {
	Street string
	Geo    *geo `redis:",inline"`
}

type geo struct {
	Lat, Lon float64 `redis:"-"`
	Hash     string  `redis:"geohash"`
}

type Audit struct {
	CreatedBy string
	Revision  int
}

type origin struct {
	Source string
	Hops   *int
}

// rich has a field of every kind that can be stored.
type rich struct {
	ID      int64 `redis:"id"`
	Int     int
	I8      int8
	I16     int16
	I32     int32
	Uint    uint
	U8      uint8
	U16     uint16
	U32     uint32
	U64     uint64
	Ptr     uintptr
	F32     float32
	F64     float64
	Bool    bool
	Text    string `redis:"text"`
	Bytes   []byte
	Wait    time.Duration
	At      time.Time
	Level   level
	Title   title
	Ratio   ratio
	Flag    yesno
	Blob    blob
	Waited  waited
	UUID    uuid
	Color   color
	Slug    slug
	Addr    netip.Addr
	Big     *big.Int
	Maybe   *int
	Perhaps *string
	When    *time.Time
	Long    *time.Duration
	Tint    *color

	NoText  string         `redis:"no_text,omitempty"`
	NoInt   int16          `redis:",omitempty"`
	NoBytes []byte         `redis:",omitempty"`
	NoAt    time.Time      `redis:",omitempty"`
	NoUUID  uuid           `redis:",omitempty"`
	NoTags  map[string]int `redis:",omitempty,json"`
	NoF64   float64        `redis:",omitempty"`

	Tags    []string          `redis:"tags,json"`
	Attrs   map[string]string `redis:"attrs,json"`
	Any     any               `redis:"any,json"`
	Doc     *address          `redis:"doc,json"`
	Scores  []int             `redis:"scores,msgpack"`
	Packed  *Audit            `redis:"packed,msgpack"`
	Matrix  [2][2]int         `redis:"matrix,json"`
	Skipped chan int          `redis:"-"`

	Audit
	*origin
	time.Month
	Home address  `redis:"home_,inline"`
	Work *address `redis:"work_,inline"`

	_ int
}

// full has a value other than zero in every field.
func full() rich {
	n, s, c, hops := -7, "perhaps", color(1), 3
	at := time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.FixedZone("", 3600))
	wait := 1500 * time.Millisecond
	return rich{
		ID: -1 << 63, Int: 1, I8: -128, I16: -2, I32: -3, Uint: 4, U8: 255, U16: 6, U32: 7, U64: 1<<64 - 1, Ptr: 8,
		F32: 0.1, F64: 1e300, Bool: true, Text: "h\x00 é\xff\r\n", Bytes: []byte{0, 1, 255}, Wait: wait, At: at,
		Level: -5, Title: "sir", Ratio: 1.5, Flag: true, Blob: blob("blob"), Waited: 9,
		UUID: uuid{0xab, 0x01}, Color: 1, Slug: "s", Addr: netip.MustParseAddr("::1"), Big: big.NewInt(1 << 40),
		Maybe: &n, Perhaps: &s, When: &at, Long: &wait, Tint: &c,
		NoText: "here", NoInt: 1, NoBytes: []byte("x"), NoAt: at, NoUUID: uuid{1, 2}, NoTags: map[string]int{"a": 1}, NoF64: 2.5,
		Tags: []string{"<a>", "b"}, Attrs: map[string]string{"k": "v"}, Any: "any", Doc: &address{Street: "Main"},
		Scores: []int{1, 200, -3}, Packed: &Audit{"bob", 2}, Matrix: [2][2]int{{1, 2}, {3, 4}},
		Audit: Audit{"ann", 12}, origin: &origin{"import", &hops}, Month: time.May,
		Home: address{"High St", &geo{Hash: "u33"}}, Work: &address{Street: "Low St"},
	}
}

// span is one field on a wire.
type span struct{ name, value string }

func spans(w *codec.Wire) (list []span) {
	for i := range w.Len() {
		list = append(list, span{string(w.Name(i)), string(w.Value(i))})
	}
	return list
}

// wire returns a wire with these names and values, in turn.
func wire(namesAndValues ...string) *codec.Wire {
	w := new(codec.Wire)
	for i := 0; i < len(namesAndValues); i += 2 {
		w.Add([]byte(namesAndValues[i]), []byte(namesAndValues[i+1]))
	}
	return w
}

func encode[T any](t testing.TB, m *hashmap.Mapping[T], v T) *codec.Wire {
	t.Helper()
	w := new(codec.Wire)
	if err := m.Encode(w, &v); err != nil {
		t.Fatalf("Encode: %v", err)
	}
	return w
}

func decode[T any](t testing.TB, m *hashmap.Mapping[T], w *codec.Wire) (v T) {
	t.Helper()
	if err := m.Decode(w, &v); err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return v
}

// roundTrip checks that v comes back, and that its spans are these.
func roundTrip[T any](t *testing.T, v T, want ...span) {
	t.Helper()
	roundTripBy(t, hashmap.MustOf[T](), v, want...)
}

func roundTripBy[T any](t *testing.T, m *hashmap.Mapping[T], v T, want ...span) {
	t.Helper()
	w := encode(t, m, v)
	if got := spans(w); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v is stored as\n%q, want\n%q", v, got, want)
	}
	if back := decode(t, m, w); !reflect.DeepEqual(back, v) {
		t.Errorf("%+v comes back as\n%+v", v, back)
	}
}
