package hashmap_test

import (
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/hashmap"
)

// foreign has tags that are not ours on fields of all forms.
type foreign struct {
	ID      int64          `json:"id,string"`
	Name    string         `json:"name,omitempty"`
	Plain   string         `json:",omitempty"`
	Bare    int            // has no tag
	Empty   bool           `json:""`
	Left    string         `json:"-"`
	Both    string         `json:"other" redis:"both"`
	Gone    string         `json:"gone" redis:"-"`
	Tags    []string       `json:"tags"`
	NoTags  []string       `json:"no_tags,omitempty"`
	Zero    []string       `json:"zero,omitzero"`
	Kept    []string       `json:"kept,omitzero"`
	NoMap   map[string]int `json:"no_map,omitzero"`
	Home    home           `json:"home"`
	Work    *home          `json:"work"`
	NoWork  *home          `json:"no_work"`
	Any     any            `json:"any"`
	At      time.Time      `json:"at,omitzero"`
	Audited `json:",omitempty"`
	Whole   `json:"whole"`
}

type home struct {
	Street string `json:"street"`
	No     int    `json:"no,omitempty"`
}

type Audited struct {
	By string `json:"by"`
}

type Whole struct {
	Sum int `json:"sum"`
}

func TestUseTag(t *testing.T) {
	m := hashmap.MustOf[foreign](hashmap.UseTag("json"))
	v := foreign{
		ID: 1, Bare: 2, Both: "b", Tags: []string{"a"}, Kept: []string{}, Home: home{"High St", 0}, Work: &home{"Low St", 7},
		Any: "x", Audited: Audited{"ann"}, Whole: Whole{9},
	}
	roundTripBy(t, m, v, span{"id", "1"}, span{"Bare", "2"}, span{"Empty", "false"}, span{"both", "b"}, span{"tags", `["a"]`}, span{"kept", "[]"},
		span{"home", `{"street":"High St"}`}, span{"work", `{"street":"Low St","no":7}`}, span{"any", `"x"`}, span{"by", "ann"}, span{"whole", `{"sum":9}`})
}

func TestUseTagOfAnotherKey(t *testing.T) {
	type row struct {
		ID   int64  `db:"id" json:"no"`
		Name string `db:"name,omitempty,size:10"`
		Dash int    `db:"-,"`
	}
	roundTripBy(t, hashmap.MustOf[row](hashmap.UseTag("db")), row{ID: 1}, span{"id", "1"}, span{"-", "0"})
	roundTripBy(t, hashmap.MustOf[row](hashmap.Option{}), row{ID: 1}, span{"ID", "1"}, span{"Name", ""}, span{"Dash", "0"})
	type packed struct {
		List []int `msgpack:"l"`
	}
	roundTripBy(t, hashmap.MustOf[*packed](hashmap.UseTag("msgpack")), &packed{[]int{1}}, span{"l", "\x91\x01"})
	type list struct {
		List []int `db:"list"`
	}
	if _, err := hashmap.Of[list](hashmap.UseTag("db")); err == nil || !strings.Contains(err.Error(), "list.List: codec: []int has no text form") {
		t.Errorf("a slice with a tag that says no form: %v", err)
	}
}

func TestUseTagRefusesUnexportedFields(t *testing.T) {
	_, err := hashmap.Of[struct {
		A int
		b int `db:"b"`
	}](hashmap.UseTag("db"))
	if err == nil || !strings.Contains(err.Error(), "struct.b: an unexported field cannot be stored") {
		t.Errorf("a tag on an unexported field: %v", err)
	}
}

func TestUseTagRefuses(t *testing.T) {
	type fields struct {
		A int   `json:"n"`
		B int   `redis:"n"`
		D error `json:"d"`
		E **int `json:"e"`
		F func()
	}
	for want, opts := range map[string][]hashmap.Option{
		`UseTag(""): a key`:               {hashmap.UseTag("")},
		`UseTag("a b"): a key`:            {hashmap.UseTag("a b")},
		`UseTag("json:"): a key`:          {hashmap.UseTag("json:")},
		`UseTag("\"json\""): a key`:       {hashmap.UseTag(`"json"`)},
		`UseTag("a\n"): a key`:            {hashmap.UseTag("a\n")},
		`UseTag("redis") changes nothing`: {hashmap.UseTag("redis")},
		"UseTag is given twice":           {hashmap.UseTag("json"), {}, hashmap.UseTag("db")},
		`fields.A and fields.B are all`:   {hashmap.UseTag("json")},
		"fields.D: a error does not say":  {hashmap.UseTag("json")},
		"fields.E: a pointer to a":        {hashmap.UseTag("json")},
		"fields.F: a func cannot":         {hashmap.UseTag("json")},
	} {
		if _, err := hashmap.Of[fields](opts...); err == nil || !strings.Contains(err.Error(), "hashmap: "+want) {
			t.Errorf("%s is not in: %v", want, err)
		}
	}
}
