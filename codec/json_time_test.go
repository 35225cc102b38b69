package codec_test

import (
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
)

// encodes returns the error of encoding v.
func encodes[V any](c codec.Codec[V], v V) error {
	var w codec.Wire
	w.Reset("k")
	return c.Encode(&w, &v)
}

type (
	era    struct{ time.Time }
	Epoch  struct{ From time.Time }
	period struct {
		Epoch
		Name string
		Next *period
		Left time.Time `json:"-"`
	}
)

func TestJSONRefusesOffsetsWithSeconds(t *testing.T) {
	amsterdam := time.Date(1930, 1, 1, 0, 0, 0, 0, time.FixedZone("AMT", 19*60+32))
	for name, err := range map[string]error{
		"time":     encodes(codec.JSON[time.Time](), amsterdam),
		"pointer":  encodes(codec.JSON[*time.Time](), &amsterdam),
		"slice":    encodes(codec.JSON[[]time.Time](), []time.Time{{}, amsterdam}),
		"map":      encodes(codec.JSON[map[string]time.Time](), map[string]time.Time{"k": amsterdam}),
		"key":      encodes(codec.JSON[map[time.Time]int](), map[time.Time]int{amsterdam: 1}),
		"embedded": encodes(codec.JSON[period](), period{Epoch: Epoch{amsterdam}}),
		"deep":     encodes(codec.JSON[period](), period{Next: &period{Next: &period{Epoch: Epoch{amsterdam}}}}),
		"promoted": encodes(codec.JSON[[]era](), []era{{amsterdam}}),
	} {
		fails(t, err, "JSON has no zone offset with seconds")
		if err == nil {
			t.Error(name)
		}
	}
	whole := time.Date(1930, 1, 1, 0, 0, 0, 0, time.FixedZone("", -90*60))
	for name, err := range map[string]error{
		"time":   encodes(codec.JSON[time.Time](), whole),
		"left":   encodes(codec.JSON[period](), period{Left: amsterdam, Next: &period{Epoch: Epoch{whole}}}),
		"no any": encodes(codec.JSON[any](), nil),
		"UTC":    encodes(codec.JSON[*time.Time](), new(time.Time)),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
