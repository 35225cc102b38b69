package codec_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
)

// The types below embed one with encoding methods, and have a field beside.
type (
	stamped struct { // is written by the methods of time.Time
		time.Time
		Zone string
	}
	deeper  struct{ stamped }
	pointed struct {
		Zone string
		*netip.Addr
	}
	tagged struct { // a tag changes nothing
		time.Time `json:"at" msgpack:"at"`
		Zone      string
	}
	alone struct { // loses nothing that could be stored
		time.Time
		cached int
		Left   string `json:"-" msgpack:"-"`
	}
	owner struct { // has methods of its own, but not the newer ones
		time.Time
		Zone string
	}
	generic[T any] struct {
		time.Time
		Zone T
	}
)

func (o owner) MarshalText() ([]byte, error)    { return json.Marshal(o) }
func (o *owner) UnmarshalText(b []byte) error   { return json.Unmarshal(b, o) }
func (o owner) MarshalBinary() ([]byte, error)  { return json.Marshal(o) }
func (o *owner) UnmarshalBinary(b []byte) error { return json.Unmarshal(b, o) }
func (o owner) MarshalJSON() ([]byte, error)    { return json.Marshal([]any{o.Time, o.Zone}) }
func (o *owner) UnmarshalJSON(b []byte) error   { return json.Unmarshal(b, &[]any{&o.Time, &o.Zone}) }

func (g generic[T]) MarshalJSON() ([]byte, error) { return json.Marshal([]any{g.Time, g.Zone}) }
func (g *generic[T]) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&g.Time, &g.Zone})
}

func TestMethodsOfAnEmbeddedTypeLoseFields(t *testing.T) {
	for name, err := range map[string]error{
		"text": codec.Text[stamped]().Check(), "binary": codec.Binary[stamped]().Check(), "text of a pointer": codec.Text[*stamped]().Check(),
		"JSON": codec.JSON[stamped]().Check(), "msgpack": codec.Msgpack[stamped]().Check(),
		"JSON of a list": codec.JSON[[]*stamped]().Check(), "msgpack of a map": codec.Msgpack[map[string]stamped]().Check(),
		"JSON, deeper": codec.JSON[deeper]().Check(), "msgpack, deeper": codec.Msgpack[deeper]().Check(),
		"JSON, tagged": codec.JSON[tagged]().Check(), "msgpack, tagged": codec.Msgpack[tagged]().Check(),
	} {
		fails(t, err, "it embeds time.Time, whose ")
		fails(t, err, "so that Zone would be lost; give it methods of its own, or do not embed time.Time")
		if err == nil {
			t.Error(name)
		}
	}
	fails(t, codec.JSON[pointed]().Check(), "it embeds *netip.Addr, whose MarshalText writes that alone, so that Zone would be lost")
	fails(t, codec.Msgpack[pointed]().Check(), "it embeds *netip.Addr, whose MarshalBinary writes that alone, so that Zone would be lost")
	for name, err := range map[string]error{
		"JSON": codec.JSON[alone]().Check(), "msgpack": codec.Msgpack[alone]().Check(),
		"JSON, own methods": codec.JSON[owner]().Check(), "msgpack, own methods": codec.Msgpack[owner]().Check(),
		"text, own methods": codec.Text[owner]().Check(), "binary, own methods": codec.Binary[owner]().Check(),
		"generic": codec.JSON[generic[int]]().Check(),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_ = alone{}.cached
}

// A type's own MarshalText counts, not the AppendText of a type that it embeds.
func TestOwnMethodsBeforePromotedOnes(t *testing.T) {
	want := owner{time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), "here"}
	for name, c := range map[string]codec.Value[owner]{"text": codec.Text[owner](), "binary": codec.Binary[owner](), "JSON": codec.JSON[owner](), "msgpack": codec.Msgpack[owner]()} {
		b, err := c.AppendValue(nil, want)
		var got owner
		if err == nil {
			err = c.ParseValue(b, &got)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q is read as %v, error %v", name, b, got, err)
		}
	}
}
