package hashmap_test

import (
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

type (
	half   struct{ A, b int }
	closed struct{ a int }
)

// JSON, Msgpack and a mapping have one rule: unexported fields are left out, and a struct
// that has no others is refused.
func TestUnexportedFieldsAreOneRule(t *testing.T) {
	for name, c := range map[string]codec.Codec[half]{"JSON": codec.JSON[half](), "Msgpack": codec.Msgpack[half](), "hashmap": hashmap.MustOf[half]()} {
		var w codec.Wire
		w.Reset("k")
		err := c.Encode(&w, &half{1, 2})
		var got half
		if err == nil {
			err = c.Decode(&w, &got)
		}
		if want := (half{1, 0}); err != nil || got != want {
			t.Errorf("%s gives back %+v, error %v, want %+v", name, got, err, want)
		}
	}
	for name, err := range map[string]error{
		"JSON": codec.JSON[closed]().Check(), "Msgpack": codec.Msgpack[closed]().Check(), "hashmap": of[closed](),
		"JSON, inside": codec.JSON[[]closed]().Check(), "Msgpack, inside": codec.Msgpack[[]closed]().Check(), "hashmap, inside": of[struct{ A closed }](),
		"hashmap, json": of[struct {
			A closed `redis:",json"`
		}](),
		"hashmap, msgpack": of[struct {
			A closed `redis:",msgpack"`
		}](),
	} {
		if err == nil || name != "hashmap, inside" && !strings.Contains(err.Error(), "no exported field") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	_ = closed{}.a
}
