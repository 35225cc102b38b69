package hashmap_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// lacks checks the error of a hash that lacks the field at a path, empty for none.
func lacks[T any](t *testing.T, w *codec.Wire, path string) {
	t.Helper()
	var v, part T
	err := hashmap.MustOf[T]().Decode(w, &v)
	switch {
	case path == "" && err != nil:
		t.Errorf("a %T is not read: %v", v, err)
	case path != "" && (!errors.Is(err, codec.ErrOutdated) || !strings.Contains(err.Error(), path)):
		t.Errorf("a %T without %s is read with error %v", v, path, err)
	}
	if err := hashmap.MustOf[T](hashmap.MissingFieldsAreZero()).Decode(w, &part); err != nil {
		t.Errorf("a %T whose missing fields are zero is not read: %v", v, err)
	}
}

func TestHashesThatLackAField(t *testing.T) {
	type before struct {
		ID    int
		Title string
	}
	type after struct {
		ID     int
		Title  string
		Credit int
	}
	type renamed struct {
		ID   int
		Name string
	}
	old := encode(t, hashmap.MustOf[before](), before{1, "a"})
	lacks[after](t, old, "after.Credit")
	lacks[renamed](t, old, "renamed.Name")
	lacks[before](t, old, "")
	lacks[before](t, encode(t, hashmap.MustOf[after](), after{1, "a", 2}), "")
	lacks[before](t, wire(), "before.ID")
	lacks[*after](t, old, "after.Credit")
}

func TestHashesThatLackAFieldOfAField(t *testing.T) {
	type was struct{ ID int }
	type is struct{ ID, Credit int }
	type before struct {
		In was             `redis:"in_,inline"`
		J  []was           `redis:"j,json"`
		M  map[string]*was `redis:"m,msgpack"`
	}
	type inlined struct {
		In is              `redis:"in_,inline"`
		J  []was           `redis:"j,json"`
		M  map[string]*was `redis:"m,msgpack"`
	}
	type inJSON struct {
		In was             `redis:"in_,inline"`
		J  []is            `redis:"j,json"`
		M  map[string]*was `redis:"m,msgpack"`
	}
	type inMsgpack struct {
		In was            `redis:"in_,inline"`
		J  []was          `redis:"j,json"`
		M  map[string]*is `redis:"m,msgpack"`
	}
	old := encode(t, hashmap.MustOf[before](), before{was{1}, []was{{2}}, map[string]*was{"k": {3}}})
	lacks[before](t, old, "")
	lacks[inlined](t, old, "inlined.In.Credit")
	lacks[inJSON](t, old, "inJSON.J: codec: JSON of type []hashmap_test.is without Credit")
	lacks[inMsgpack](t, old, "inMsgpack.M: codec: MessagePack of type map[string]*hashmap_test.is without Credit")
}

func TestFieldsThatHashesMayLack(t *testing.T) {
	type inner struct{ A, B int }
	type after struct {
		ID    int
		Nick  *string
		Empty string `redis:",omitempty"`
		In    *inner `redis:"in_,inline"`
		*Audit
	}
	lacks[after](t, wire("ID", "1"), "")
}

// A hash of more fields than a word has bits, or than four have, in any order.
func TestHashesThatLackAFieldInAnyOrder(t *testing.T) {
	type eight struct{ A, B, C, D, E, F, G, H int }
	type many struct {
		P1 eight `redis:"1,inline"`
		P2 eight `redis:"2,inline"`
		P3 eight `redis:"3,inline"`
		P4 eight `redis:"4,inline"`
		P5 eight `redis:"5,inline"`
		P6 eight `redis:"6,inline"`
		P7 eight `redis:"7,inline"`
		P8 eight `redis:"8,inline"`
		P9 eight `redis:"9,inline"`
	}
	type most struct {
		M1 many `redis:"1,inline"`
		M2 many `redis:"2,inline"`
		M3 many `redis:"3,inline"`
		M4 many `redis:"4,inline"`
	}
	checkAnyOrder[many](t)
	checkAnyOrder[most](t)
}

func checkAnyOrder[T any](t *testing.T) {
	t.Helper()
	m := hashmap.MustOf[T]()
	var v T
	all := spans(encode(t, m, v))
	for skip := -1; skip < len(all); skip += 3 {
		var w codec.Wire
		for n := range all {
			if i := (n*5 + 7) % len(all); i != skip {
				w.Add([]byte(all[i].name), []byte(all[i].value))
			}
		}
		path := ""
		if skip >= 0 {
			path = fmt.Sprintf("stored as %q", all[skip].name)
		}
		lacks[T](t, &w, path)
	}
}

func TestFieldsKnowWhetherTheyAreAlwaysStored(t *testing.T) {
	type T struct {
		ID   int
		Nick *string
		Note string `redis:",omitempty"`
	}
	always := func(m *hashmap.Mapping[T]) (list []bool) {
		id, _ := hashmap.FieldOf[int](m, "ID")
		nick, _ := hashmap.FieldOf[*string](m, "Nick")
		note, _ := hashmap.FieldOf[string](m, "Note")
		return []bool{
			id.Into(new(int)).AlwaysStored(), nick.Into(new(*string)).AlwaysStored(),
			note.Into(new(string)).AlwaysStored(), hashmap.Dest[T]{}.AlwaysStored(),
		}
	}
	if got := fmt.Sprint(always(hashmap.MustOf[T]())); got != "[true false false false]" {
		t.Errorf("always stored are %s", got)
	}
	if got := fmt.Sprint(always(hashmap.MustOf[T](hashmap.MissingFieldsAreZero()))); got != "[false false false false]" {
		t.Errorf("where missing fields are zero, always stored are %s", got)
	}
}
