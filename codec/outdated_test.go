package codec_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
)

// The structs of two versions of a program: the new one has the field Credit.
type (
	oldItem struct {
		ID   int
		Name string `json:",omitempty" msgpack:",omitempty"`
	}
	newItem struct {
		ID     int
		Name   string `json:",omitempty" msgpack:",omitempty"`
		Credit int64
	}
)

func appendOf[V any](c codec.Value[V], v V) []byte {
	b, err := c.AppendValue(nil, v)
	if err != nil {
		panic(err)
	}
	return b
}

// crosses checks what a program with the type New reads of an old entry, and one with Old of a
// new one: the path that the error names, empty for no error.
func crosses[Old, New any](t *testing.T, was Old, is New, newLacks, oldLacks string) {
	t.Helper()
	crossesIn(t, "MessagePack", codec.Msgpack[Old], codec.Msgpack[New], was, is, newLacks, oldLacks)
	crossesIn(t, "JSON", codec.JSON[Old], codec.JSON[New], was, is, newLacks, oldLacks)
}

func crossesIn[Old, New any](t *testing.T, form string,
	oldCodec func(...codec.Option) codec.StringCodec[Old], newCodec func(...codec.Option) codec.StringCodec[New],
	was Old, is New, newLacks, oldLacks string,
) {
	t.Helper()
	lacks(t, form, newCodec, appendOf(oldCodec(), was), newLacks)
	lacks(t, form, oldCodec, appendOf(newCodec(), is), oldLacks)
	lacks(t, form, oldCodec, appendOf(oldCodec(), was), "")
	lacks(t, form, newCodec, appendOf(newCodec(), is), "")
}

func lacks[V any](t *testing.T, form string, c func(...codec.Option) codec.StringCodec[V], src []byte, path string) {
	t.Helper()
	var v, part V
	err := c().ParseValue(src, &v)
	switch {
	case path == "" && err != nil:
		t.Errorf("%s: a %T is not read: %v", form, v, err)
	case path != "" && (!errors.Is(err, codec.ErrOutdated) || !strings.Contains(err.Error(), " without "+path+": ")):
		t.Errorf("%s: a %T without %s is read with error %v", form, v, path, err)
	}
	if err := c(codec.MissingFieldsAreZero()).ParseValue(src, &part); err != nil {
		t.Errorf("%s: a %T whose missing fields are zero is not read: %v", form, v, err)
	}
}

func TestFieldsThatAreAddedRemovedRenamed(t *testing.T) {
	crosses(t, oldItem{1, "a"}, newItem{1, "a", 2}, "Credit", "")
	crosses(t, newItem{1, "a", 2}, oldItem{1, "a"}, "", "Credit")
	crosses(t, oldItem{}, newItem{}, "Credit", "") // without the field that may be left out
	crosses(t, struct{ ID, Title int }{}, struct{ ID, Name int }{}, "Name", "Title")
	crosses(t, struct{ A, B, C int }{1, 2, 3}, struct{ C, A, B int }{3, 1, 2}, "", "")
}

func TestFieldsAreMissedAtEveryDepth(t *testing.T) {
	was, is := oldItem{ID: 1}, newItem{ID: 1}
	crosses(t, &was, &is, "Credit", "")
	crosses(t, struct{ In oldItem }{was}, struct{ In newItem }{is}, "In.Credit", "")
	crosses(t, struct{ In *oldItem }{&was}, struct{ In *newItem }{&is}, "In.Credit", "")
	crosses(t, struct{ In *oldItem }{}, struct{ In *newItem }{}, "", "")
	crosses(t, []oldItem{was}, []newItem{is}, "Credit", "")
	crosses(t, []oldItem{}, []newItem{}, "", "")
	crosses(t, []*oldItem{nil, &was}, []*newItem{nil, &is}, "Credit", "")
	crosses(t, [2]oldItem{was}, [2]newItem{is}, "Credit", "")
	crosses(t, map[string]oldItem{"k": was}, map[string]newItem{"k": is}, "Credit", "")
	crosses(t, map[string][]*oldItem{"k": {&was}}, map[string][]*newItem{"k": {&is}}, "Credit", "")
	crosses(t, map[string]oldItem(nil), map[string]newItem(nil), "", "")
	crosses(t, struct{ M map[int][]oldItem }{map[int][]oldItem{1: {was}}}, struct{ M map[int][]newItem }{map[int][]newItem{1: {is}}}, "M.Credit", "")
}

type (
	OldBase struct{ ID int }
	NewBase struct{ ID, Credit int }
	OldTree struct {
		ID   int
		Kids []OldTree
	}
	NewTree struct {
		ID   int
		Kids []NewTree
		Size int
	}
	oldEmbeds struct {
		OldBase
		Name string
	}
	newEmbeds struct {
		NewBase
		Name string
	}
	oldPoints struct {
		*OldBase
		Name string `msgpack:",omitempty"`
	}
	newPoints struct {
		*NewBase
		Name string `msgpack:",omitempty"`
	}
)

func TestFieldsOfEmbeddedStructsAreMissed(t *testing.T) {
	crosses(t, oldEmbeds{OldBase{1}, "a"}, newEmbeds{NewBase{1, 2}, "a"}, "Credit", "")
	// Nothing is written of an embedded pointer that is nil.
	crosses(t, oldPoints{&OldBase{1}, "a"}, newPoints{&NewBase{1, 2}, "a"}, "", "")
	crosses(t, oldPoints{}, newPoints{}, "", "")
	crosses(t, OldTree{1, []OldTree{{2, nil}}}, NewTree{1, []NewTree{{2, nil, 1}}, 1}, "Kids.Size", "")
}

func TestMsgpackPointersAreAlwaysWritten(t *testing.T) {
	type was struct{ *OldBase }
	type is struct{ *NewBase }
	crossesIn(t, "MessagePack", codec.Msgpack[was], codec.Msgpack[is], was{}, is{}, "Credit", "")
}

func TestFieldsThatMayBeLeftOutAreNotMissed(t *testing.T) {
	type was struct{ ID int }
	type is struct {
		ID    int
		Empty string    `json:",omitempty" msgpack:",omitempty"`
		Zero  time.Time `json:",omitzero" msgpack:",omitempty"`
		Out   int       `json:"-" msgpack:"-"`
		inner int
	}
	crosses(t, was{1}, is{ID: 1, inner: 2}, "", "")
}

func TestWhatInterfacesHoldIsNotMissed(t *testing.T) {
	crosses(t, struct{ Any any }{oldItem{}}, struct{ Any any }{newItem{}}, "", "")
	crosses(t, map[string]any{"k": oldItem{}}, map[string]any{"k": newItem{}}, "", "")
}

// A struct of more fields than a word has bits, whose entries come in every order.
func TestFieldsAreMissedInAnyOrder(t *testing.T) {
	type wide struct {
		A00, A01, A02, A03, A04, A05, A06, A07, A08, A09, A10, A11, A12, A13, A14, A15, A16, A17 int
		B00, B01, B02, B03, B04, B05, B06, B07, B08, B09, B10, B11, B12, B13, B14, B15, B16, B17 int
		C00, C01, C02, C03, C04, C05, C06, C07, C08, C09, C10, C11, C12, C13, C14, C15, C16, C17 int
		D00, D01, D02, D03, D04, D05, D06, D07, D08, D09, D10, D11, D12, D13, D14, D15, D16, D17 int
	}
	var names []string
	for _, letter := range "ABCD" {
		for i := range 18 {
			names = append(names, fmt.Sprintf("%c%02d", letter, i))
		}
	}
	entry := func(skip, turn int) (packed, text []byte) {
		packed = []byte{0xde, 0, byte(len(names))}
		if skip >= 0 {
			packed[2]--
		}
		text = []byte("{")
		for n := range names {
			i := (n*5 + turn) % len(names)
			if turn == 0 {
				i = n
			}
			if i == skip {
				continue
			}
			packed = append(append(append(packed, 0xa3), names[i]...), 1)
			text = fmt.Appendf(text, " %q : 1 ,", names[i])
		}
		text[len(text)-1] = '}'
		return packed, text
	}
	for turn := range 5 {
		for skip := -1; skip < len(names); skip++ {
			packed, text := entry(skip, turn)
			missed := ""
			if skip >= 0 {
				missed = names[skip]
			}
			lacks(t, "MessagePack", codec.Msgpack[wide], packed, missed)
			lacks(t, "JSON", codec.JSON[wide], text, missed)
		}
	}
}

func TestJSONFindsFieldsAsItsDecoderDoes(t *testing.T) {
	type inner struct {
		Key string `json:"a-b"`
		N   int    `json:"n,string"`
	}
	type outer struct {
		Name string
		In   inner `json:"in"`
		//lint:ignore SA5008 it is no name for json, which writes Bad
		Bad   int `json:"a\"b"`
		List  []inner
		Any   any
		Plain map[string]int
	}
	c := codec.JSON[outer]()
	own := appendOf[outer](c, outer{Name: `quo"te\`, In: inner{Key: `\\"`}, List: []inner{{}}, Any: map[string]any{"}": `"]`}, Plain: map[string]int{`"{`: 1}})
	for src, path := range map[string]string{
		string(own): "",
		`null`:      "",
		`{"NAME":"","In":{"A-B":"","N":"1"},"bad":0,"list":null,"any":[{"]":"\""}],"plain":{}}`:                                     "",
		`{"n\u0061me":"","in":null,"Bad":0,"List":[],"Any":{},"Plain":{}}`:                                                          "",
		` { "Name" : "" , "in" : { "a-b" : "x" , "n" : "1" } , "Bad" : 0 , "List" : [ ] , "Any" : 1.5e3 , "Plain" : { "k" : 1 } } `: "",
		`{}`: "Name",
		`{"Name":"\\\"in\\\":{}","in":{"n":"1"},"Bad":0,"List":[],"Any":{},"Plain":{}}`:           "in.a-b",
		`{"Any":{"Name":1},"in":null,"Bad":0,"List":[],"Plain":{"Name":1}}`:                       "Name",
		`{"Name":"","in":null,"Bad":0,"List":[{"n":"1","a-b":""},{"n":"1"}],"Any":{},"Plain":{}}`: "List.a-b",
	} {
		lacks(t, "JSON", codec.JSON[outer], []byte(src), path)
	}
}

func TestElementsMissFields(t *testing.T) {
	missed := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, codec.ErrOutdated) {
			t.Errorf("%s: error %v, want ErrOutdated", name, err)
		}
	}
	var w codec.Wire
	was, list := []oldItem{{ID: 1}}, []newItem(nil)
	if err := codec.List(codec.Msgpack[oldItem]()).Encode(&w, &was); err != nil {
		t.Fatal(err)
	}
	missed("list", codec.List(codec.Msgpack[newItem]()).Decode(&w, &list))
	w.Reset("k")
	set := map[oldItem]struct{}{{ID: 1}: {}}
	if err := codec.Set(codec.JSON[oldItem]()).Encode(&w, &set); err != nil {
		t.Fatal(err)
	}
	var is map[newItem]struct{}
	missed("set", codec.Set(codec.JSON[newItem]()).Decode(&w, &is))
	w.Reset("k")
	scored := []codec.Scored[oldItem]{{Elem: oldItem{ID: 1}, Score: 2}}
	if err := codec.SortedSet(codec.Msgpack[oldItem]()).Encode(&w, &scored); err != nil {
		t.Fatal(err)
	}
	var sorted []codec.Scored[newItem]
	missed("sorted set", codec.SortedSet(codec.Msgpack[newItem]()).Decode(&w, &sorted))

	b := appendOf[oldItem](codec.Compress(codec.JSON[oldItem](), codec.S2, 0), oldItem{})
	missed("compressed", codec.Compress(codec.JSON[newItem](), codec.S2, 0).ParseValue(b, new(newItem)))
	w.Reset("k")
	ring := keyring(t, 1)
	if err := codec.Encrypt(codec.JSON[oldItem](), ring).Encode(&w, &oldItem{}); err != nil {
		t.Fatal(err)
	}
	missed("encrypted", codec.Encrypt(codec.JSON[newItem](), ring).Decode(&w, new(newItem)))
}

// An array has no names: an entry of another number of fields is of another version.
func TestArraysMissFields(t *testing.T) {
	type was struct {
		//lint:ignore U1000 msgpack looks for it
		_msgpack struct{} `msgpack:",as_array"`
		A        int
	}
	type is struct {
		//lint:ignore U1000 msgpack looks for it
		_msgpack struct{} `msgpack:",as_array"`
		A, B     int
	}
	err := codec.Msgpack[is]().ParseValue(appendOf[was](codec.Msgpack[was](), was{A: 1}), new(is))
	if !errors.Is(err, codec.ErrOutdated) || !strings.Contains(err.Error(), "without B:") {
		t.Errorf("error %v, want ErrOutdated of B", err)
	}
}

// A field that has become another type is no missing one: its entries are broken, unless the
// type reads them.
func TestFieldsThatAreRetypedOrNarrowed(t *testing.T) {
	retyped(t, "codec.Msgpack", codec.Msgpack[struct{ N string }](), codec.Msgpack[struct{ N int }](), struct{ N string }{"a"})
	retyped(t, "codec.JSON", codec.JSON[struct{ N string }](), codec.JSON[struct{ N int }](), struct{ N string }{"a"})
	retyped(t, "codec.Msgpack", codec.Msgpack[struct{ N int64 }](), codec.Msgpack[struct{ N int8 }](), struct{ N int64 }{300})
	retyped(t, "codec.JSON", codec.JSON[struct{ N int64 }](), codec.JSON[struct{ N int8 }](), struct{ N int64 }{300})
	crosses(t, struct{ N int64 }{100}, struct{ N int8 }{100}, "", "")
	crosses(t, struct{ N *int }{}, struct{ N int }{}, "", "") // nil is read as zero
}

func retyped[Old, New any](t *testing.T, form string, was codec.Value[Old], is codec.Value[New], v Old) {
	t.Helper()
	err := is.ParseValue(appendOf(was, v), new(New))
	if err == nil || errors.Is(err, codec.ErrOutdated) {
		t.Errorf("%s: a %T of %+v is read with error %v", form, *new(New), v, err)
	}
}
