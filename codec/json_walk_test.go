package codec_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
)

type (
	jsonWriter struct{ A int }
	onlyText   int
	textReader int
	hidden     struct{ A int }
	SameA      struct{ X, A int }
	SameB      struct{ X, B int }
	jsonTree   struct {
		Kids []jsonTree
		Up   *jsonTree
		By   map[string]jsonTree
		Any  any
	}
	jsonTreeOfChans struct {
		Kids []jsonTreeOfChans
		C    *chan int
	}
)

func (jsonWriter) MarshalJSON() ([]byte, error)  { return []byte("1"), nil }
func (onlyText) MarshalText() ([]byte, error)    { return nil, nil }
func (*textReader) UnmarshalText(b []byte) error { return nil }

func TestJSONCheckNamesTheField(t *testing.T) {
	for want, check := range map[string]error{
		"A: a fmt.Stringer does not say": codec.JSON[struct{ A fmt.Stringer }]().Check(),
		"A: a error does not say":        codec.JSON[struct{ A error }]().Check(),
		"A[]: a func() has no JSON form": codec.JSON[struct{ A []func() }]().Check(),
		"A[].B: a chan int has no JSON form": codec.JSON[struct {
			A map[string]struct{ B chan int }
		}]().Check(),
		"A.B: a error does not say":                 codec.JSON[*struct{ A *struct{ B error } }]().Check(),
		"[]: a error does not say":                  codec.JSON[[]error]().Check(),
		"C: a chan int has no JSON form":            codec.JSON[jsonTreeOfChans]().Check(),
		"hidden: a *codec_test.hidden is embedded":  codec.JSON[struct{ *hidden }]().Check(),
		"A: a codec_test.jsonWriter has no":         codec.JSON[struct{ A jsonWriter }]().Check(),
		"A: a codec_test.onlyText has no":           codec.JSON[struct{ A onlyText }]().Check(),
		"A: a codec_test.textReader has no":         codec.JSON[struct{ A textReader }]().Check(),
		"A: a map[codec_test.onlyText]int has keys": codec.JSON[struct{ A map[onlyText]int }]().Check(),
		"A: a map[codec_test.textReader]int has":    codec.JSON[struct{ A map[textReader]int }]().Check(),
		"A: a struct { b int } has no exported":     codec.JSON[struct{ A struct{ b int } }]().Check(),
		"a struct { b int } has no exported":        codec.JSON[struct{ b int }]().Check(),
		"A[]: a big.Int has no":                     codec.JSON[struct{ A map[string]big.Int }]().Check(),
		`SameA.X: SameB.X has the JSON name "X" too`: codec.JSON[struct {
			SameA
			SameB
		}]().Check(),
	} {
		fails(t, check, ": "+want)
	}
}

type (
	selfPointer  *selfPointer
	otherPointer *thatPointer
	thatPointer  *otherPointer
)

// Pointers to nothing but pointers are refused, and found without an end.
func TestJSONRefusesPointersToThemselves(t *testing.T) {
	const want = "points to nothing but itself"
	fails(t, codec.JSON[selfPointer]().Check(), want)
	fails(t, codec.JSON[[]otherPointer]().Check(), want)
	fails(t, codec.JSON[struct{ A map[string]*thatPointer }]().Check(), want)
	_, err := codec.SchemaOf(codec.JSON[selfPointer]())
	fails(t, err, want)
}

// Vet refuses such a struct in the source.
func TestJSONFindsDuplicateTags(t *testing.T) {
	same := reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"n"`},
		{Name: "B", Type: reflect.TypeFor[int](), Tag: `json:"n"`},
	})
	problems := codec.JSONProblems(same, "")
	if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), `A: B has the JSON name "n" too`) {
		t.Error(problems)
	}
}

func TestJSONCheckAccepts(t *testing.T) {
	type shadows struct {
		SameA
		SameB
		X int
	}
	type tagWins struct {
		SameA
		B int   `json:"A"`
		C error `json:"-"`
		hidden
	}
	for name, err := range map[string]error{
		"tree": codec.JSON[jsonTree]().Check(), "shadows": codec.JSON[shadows]().Check(), "tag": codec.JSON[tagWins]().Check(),
		"time": codec.JSON[time.Time]().Check(), "raw": codec.JSON[[]json.RawMessage]().Check(),
		"number": codec.JSON[struct{ N json.Number }]().Check(), "addresses": codec.JSON[map[netip.Addr]netip.AddrPort]().Check(),
		"big": codec.JSON[struct {
			A big.Int
			B *big.Int
		}]().Check(), "null": codec.JSON[sql.NullString]().Check(),
		"null time": codec.JSON[struct {
			A sql.NullTime
			B sql.Null[int]
		}]().Check(),
		"url": codec.JSON[*url.URL]().Check(), "any": codec.JSON[map[string]any]().Check(),
		"empty": codec.JSON[map[string]struct{}]().Check(), "loud": codec.JSON[loud]().Check(),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
