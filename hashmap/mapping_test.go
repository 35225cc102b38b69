package hashmap_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

func TestEveryKindRoundTrips(t *testing.T) {
	m := hashmap.MustOf[rich]()
	for name, v := range map[string]rich{"full": full(), "zero": {Bytes: []byte{}, Blob: blob{}}} {
		back := decode(t, m, encode(t, m, v))
		if !reflect.DeepEqual(back, v) {
			t.Errorf("%s: %+v\ncomes back as\n%+v", name, v, back)
		}
	}
	for f := range reflect.TypeFor[rich]().Fields() {
		if f.Name != "_" && f.Name != "Skipped" && reflect.ValueOf(full()).FieldByIndex(f.Index).IsZero() {
			t.Errorf("full leaves %s zero, so that it proves nothing", f.Name)
		}
	}
}

func TestMappingIsACodecOfHashes(t *testing.T) {
	var c codec.Codec[rich] = hashmap.MustOf[rich]()
	if c.Shape() != codec.ShapeHash {
		t.Errorf("Shape is %v", c.Shape())
	}
}

func TestNames(t *testing.T) {
	type named struct {
		Untagged  int
		Empty     int `redis:""`
		Omit      int `redis:",omitempty"`
		Tagged    int `redis:"tagged"`
		Comma     int `redis:"comma,"`
		Dash      int `redis:"-,"`
		Odd       int `redis:"a b:{é}\xff"`
		Skipped   int `redis:"-"`
		unmapped  int
		OtherTags int `json:"other"`
	}
	roundTrip(t, named{1, 2, 3, 4, 5, 6, 7, 0, 0, 8},
		span{"Untagged", "1"}, span{"Empty", "2"}, span{"Omit", "3"}, span{"tagged", "4"}, span{"comma", "5"},
		span{"-", "6"}, span{"a b:{é}\xff", "7"}, span{"OtherTags", "8"})
}

func TestDurationIsStoredAsNanoseconds(t *testing.T) {
	type timed struct {
		Wait time.Duration
		Long *time.Duration
		None time.Duration `redis:",omitempty"`
	}
	hour := time.Hour
	roundTrip(t, timed{90 * time.Second, &hour, 0}, span{"Wait", "90000000000"}, span{"Long", "3600000000000"})
	back := decode(t, hashmap.MustOf[timed](), wire("Wait", "1m30s", "Long", "1h", "None", "-1ms"))
	if back.Wait != 90*time.Second || *back.Long != time.Hour || back.None != -time.Millisecond {
		t.Errorf("durations as text are read as %+v", back)
	}
}

func TestNilPointerIsNoField(t *testing.T) {
	type pointers struct {
		Int   *int
		Text  *string `redis:",omitempty"`
		Bytes *[]byte
		JSON  *[]int `redis:",json"`
	}
	zero, text, bytes, list := 0, "", []byte{}, []int{}
	roundTrip(t, pointers{})
	// A pointer to zero is not nil, and comes back as such, omitempty or not.
	roundTrip(t, pointers{&zero, &text, &bytes, &list},
		span{"Int", "0"}, span{"Text", ""}, span{"Bytes", ""}, span{"JSON", "[]"})
	if back := decode(t, hashmap.MustOf[pointers](), wire("JSON", "null")); back.JSON != nil {
		t.Errorf("null is read as %v", back.JSON)
	}
}

func TestOmitEmpty(t *testing.T) {
	type frugal struct {
		Text   string          `redis:",omitempty"`
		Bytes  []byte          `redis:",omitempty"`
		Bool   bool            `redis:",omitempty"`
		Int    int             `redis:",omitempty"`
		I8     int8            `redis:",omitempty"`
		U16    uint16          `redis:",omitempty"`
		F32    float32         `redis:",omitempty"`
		F64    float64         `redis:",omitempty"`
		At     time.Time       `redis:",omitempty"`
		UUID   uuid            `redis:",omitempty"`
		Map    map[string]int  `redis:",omitempty,json"`
		Slice  []int           `redis:",omitempty,msgpack"`
		Struct struct{ A int } `redis:",omitempty,json"`
		Any    any             `redis:",omitempty,json"`
	}
	roundTrip(t, frugal{}) // G7: a value without fields is a value
	back := decode(t, hashmap.MustOf[frugal](), encode(t, hashmap.MustOf[frugal](), frugal{Bytes: []byte{}, Map: map[string]int{}, Slice: []int{}}))
	if !reflect.DeepEqual(back, frugal{}) {
		t.Errorf("empty slices and maps come back as %+v", back)
	}
	f := frugal{"t", []byte("b"), true, 1 << 32, 1, 1 << 8, 0.5, math.SmallestNonzeroFloat64,
		time.Unix(0, 0).UTC(), uuid{0, 1}, map[string]int{"": 0}, []int{0}, struct{ A int }{1}, 0.0}
	w := encode(t, hashmap.MustOf[frugal](), f)
	if w.Len() != reflect.TypeFor[frugal]().NumField() {
		t.Errorf("fields that are not empty were left out: %q", spans(w))
	}
	if back := decode(t, hashmap.MustOf[frugal](), w); !reflect.DeepEqual(back, f) {
		t.Errorf("%+v comes back as %+v", f, back)
	}
	if w := encode(t, hashmap.MustOf[frugal](), frugal{F64: math.Copysign(0, -1)}); w.Len() != 1 {
		t.Error("-0.0 was left out, and would come back as 0")
	}
}

func TestDecodeTakesAnyOrder(t *testing.T) {
	m := hashmap.MustOf[rich]()
	want, list := full(), spans(encode(t, m, full()))
	for range list {
		list = append(list[1:], list[0])
		w, back := new(codec.Wire), new(codec.Wire)
		for _, s := range list {
			w.Add([]byte(s.name), []byte(s.value))
		}
		for _, s := range slices.Backward(list) {
			back.Add([]byte(s.name), []byte(s.value))
		}
		if got := decode(t, m, w); !reflect.DeepEqual(got, want) {
			t.Fatalf("from %q on, it is read as %+v", list[0].name, got)
		}
		if got := decode(t, m, back); !reflect.DeepEqual(got, want) {
			t.Fatalf("backwards from %q on, it is read as %+v", list[0].name, got)
		}
	}
}

func TestDecodeAcrossDeploys(t *testing.T) {
	type before struct {
		A, Removed int
		B          string
	}
	type after struct {
		A     int
		Added []int `redis:",json"`
		B     string
	}
	inPart := hashmap.MustOf[after](hashmap.MissingFieldsAreZero())
	got := decode(t, inPart, encode(t, hashmap.MustOf[before](), before{1, 2, "b"}))
	if want := (after{1, nil, "b"}); !reflect.DeepEqual(got, want) {
		t.Errorf("an older struct is read as %+v, want %+v", got, want)
	}
	inPartBefore := hashmap.MustOf[before](hashmap.MissingFieldsAreZero())
	if got := decode(t, inPartBefore, encode(t, hashmap.MustOf[after](), after{1, []int{1}, "b"})); got != (before{1, 0, "b"}) {
		t.Errorf("a newer struct is read as %+v", got)
	}
	if got := decode(t, inPart, wire()); !reflect.DeepEqual(got, after{}) {
		t.Errorf("a hash without fields is read as %+v", got)
	}
}

func TestDecodeLastSpanWins(t *testing.T) {
	type twice struct {
		Int  int
		Text string
		Ptr  *int
		Sum  sum
		Map  map[string]int `redis:",json"`
		*origin
	}
	two := 2
	got := decode(t, hashmap.MustOf[twice](), wire("Int", "1", "Text", "1", "Ptr", "1", "Sum", "1", "Map", `{"a":1}`, "Source", "1", "Hops", "1",
		"Source", "2", "Map", `{"b":2}`, "Sum", "22", "Ptr", "2", "Text", "2", "Int", "2"))
	one := 1
	if want := (twice{2, "2", &two, 2, map[string]int{"b": 2}, &origin{"2", &one}}); !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v, want %+v", got, want)
	}
	got = decode(t, hashmap.MustOf[twice](hashmap.MissingFieldsAreZero()), wire("Map", `{"a":1}`, "Int", "1", "Map", `{"b":2}`))
	if !reflect.DeepEqual(got.Map, map[string]int{"b": 2}) {
		t.Errorf("with another field between: %v", got.Map)
	}
}

// A sum counts the bytes that it is read from, on and on.
type sum int

func (s sum) MarshalText() ([]byte, error)  { return make([]byte, s), nil }
func (s *sum) UnmarshalText(b []byte) error { *s += sum(len(b)); return nil }

func TestPointerMapping(t *testing.T) {
	m := hashmap.MustOf[*Audit]()
	got := decode(t, m, encode(t, m, &Audit{"ann", 2}))
	if *got != (Audit{"ann", 2}) {
		t.Errorf("read as %+v", got)
	}
	inPart := hashmap.MustOf[*Audit](hashmap.MissingFieldsAreZero())
	if got := decode(t, inPart, wire()); got == nil || *got != (Audit{}) {
		t.Errorf("a hash without fields is read as %+v", got)
	}
	var none *Audit
	w := new(codec.Wire)
	err := m.Encode(w, &none)
	if err == nil || !strings.Contains(err.Error(), "nil *Audit") || w.Len() != 0 {
		t.Errorf("a nil pointer: error %v and spans %q", err, spans(w))
	}
}

func TestErrorsNameTheFieldAndHideTheBytes(t *testing.T) {
	const secret = "8f3c-secret"
	for name, path := range map[string]string{
		"id": "rich.ID", "I8": "rich.I8", "F64": "rich.F64", "Bool": "rich.Bool", "Wait": "rich.Wait", "At": "rich.At",
		"UUID": "rich.UUID", "Color": "rich.Color", "Addr": "rich.Addr", "Maybe": "rich.Maybe", "When": "rich.When",
		"tags": "rich.Tags", "attrs": "rich.Attrs", "doc": "rich.Doc", "scores": "rich.Scores", "packed": "rich.Packed",
		"NoInt": "rich.NoInt", "Revision": "rich.Audit.Revision", "Hops": "rich.origin.Hops",
	} {
		for _, value := range []string{secret, `"` + secret + `"`, `{"` + secret, "\xa9" + secret} {
			var v rich
			err := hashmap.MustOf[rich]().Decode(wire(name, value), &v)
			if err == nil {
				t.Errorf("%q was read as %s", value, path)
			} else if s := err.Error(); !strings.HasPrefix(s, "hashmap: "+path+": ") || strings.Contains(s, "8f3c") {
				t.Errorf("%s of %q: %q", path, value, s)
			}
		}
	}
	bad := color(2) // has no text
	for path, v := range map[string]rich{"Color": {Color: bad}, "Tint": {Tint: &bad}} {
		err := hashmap.MustOf[rich]().Encode(new(codec.Wire), &v)
		if err == nil || !strings.HasPrefix(err.Error(), "hashmap: rich."+path+": ") {
			t.Errorf("a %s whose method fails: %v", path, err)
		}
	}
}

func TestZeroMappingIsRefused(t *testing.T) {
	var v Audit
	for _, m := range []*hashmap.Mapping[Audit]{nil, {}} {
		if m.Check() == nil || m.Encode(new(codec.Wire), &v) == nil || m.Decode(new(codec.Wire), &v) == nil {
			t.Errorf("a mapping that Of did not make works: %v", m)
		}
		if _, err := hashmap.FieldOf[int](m, "Revision"); err == nil {
			t.Errorf("it even has fields: %v", m)
		}
	}
	if err := hashmap.MustOf[Audit]().Check(); err != nil {
		t.Error(err)
	}
}

func TestDecodeKeepsNothingOfTheWire(t *testing.T) {
	m := hashmap.MustOf[rich]()
	w := encode(t, m, full())
	got := decode(t, m, w)
	for i := range w.Len() {
		clear(w.Value(i))
	}
	if !reflect.DeepEqual(got, full()) {
		t.Error("the value changed with the wire it was read from")
	}
}
