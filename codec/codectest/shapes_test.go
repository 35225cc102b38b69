package codectest_test

import (
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

// leaky is a codec of a sorted set whose errors show the score.
type leaky struct {
	codec.Codec[[]codec.Scored[string]]
}

func (c leaky) Decode(w *codec.Wire, v *[]codec.Scored[string]) error {
	err := c.Codec.Decode(w, v)
	if err != nil && w.Len() > 0 {
		return showing(w.Name(0))
	}
	return err
}

type showing []byte

func (s showing) Error() string { return "no score: " + string(s) }

func TestRunFindsScoresInErrors(t *testing.T) {
	var r recorder
	codectest.Run(&r, leaky{codec.SortedSet(codec.Text[string]())}, []codec.Scored[string]{{Elem: "a", Score: 1}})
	if len(r.reports) != 1 {
		t.Errorf("reported %q, want one about an error that shows the value", r.reports)
	}
}
