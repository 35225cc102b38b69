package codectest_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

// concurrent makes a broken codec safe for concurrent use.
type concurrent struct{ broken }

var mu sync.Mutex

func (c concurrent) Encode(w *codec.Wire, v *[]byte) error {
	mu.Lock()
	defer mu.Unlock()
	return c.broken.Encode(w, v)
}

func (c concurrent) AppendValue(dst, v []byte) ([]byte, error) {
	mu.Lock()
	defer mu.Unlock()
	return c.broken.AppendValue(dst, v)
}

// A oneAtATime codec fails a call that meets another one. It sleeps in each, so
// that in a synctest bubble all calls that can overlap do.
type oneAtATime struct {
	broken
	inside atomic.Int32
}

func (c *oneAtATime) Encode(w *codec.Wire, v *[]byte) error {
	defer c.inside.Add(-1)
	c.inside.Add(1)
	time.Sleep(time.Millisecond)
	if c.inside.Load() > 1 {
		return errors.New("met another call")
	}
	return c.broken.Encode(w, v)
}

// pairs is a list codec of two strings.
type pairs struct{}

func (pairs) Shape() codec.Shape { return codec.ShapeList }

func (pairs) Encode(w *codec.Wire, v *[2]string) error {
	for _, s := range v {
		w.Keep(nil, append(w.Scratch(), s...))
	}
	return nil
}

func (pairs) Decode(w *codec.Wire, v *[2]string) error {
	if w.Len() != len(v) {
		return errors.New("no two spans")
	}
	for i := range v {
		if w.Name(i) != nil {
			return errors.New("a list has no names")
		}
		v[i] = string(w.Value(i))
	}
	return nil
}

func TestRunTakesOtherShapes(t *testing.T) {
	codectest.Run(t, pairs{}, [2]string{}, [2]string{"a", "b"})
}

func FuzzOtherShapes(f *testing.F) {
	codectest.Fuzz(f, pairs{}, [2]string{}, [2]string{"a", "b"})
}
