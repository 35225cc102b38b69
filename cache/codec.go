package cache

import (
	"fmt"
	"sync/atomic"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/store"
)

// parse decodes what Redis holds, which is not trusted: a codec that panics over it
// must not take the process along.
func (c *Cache[K, V]) parse(w *codec.Wire, v *V) (err error) {
	defer keyspace.RecoverCodec(&err)
	return c.codec.Decode(w, v)
}

// encode puts the bytes of v into e and returns their number. While the codec is on
// trial, it decodes them as well.
func (c *Cache[K, V]) encode(e *store.Entry, redisKey string, v *V) (n int, err error) {
	if n, err = c.encodeUnproven(e, redisKey, v); err == nil && c.core.trial.takesOne() {
		_, err = c.prove(e)
	}
	return n, err
}

// encodeLoaded is encode for a value that was loaded. Where other callers share the load,
// it decodes the bytes in any case: either all of them get the value or none.
func (c *Cache[K, V]) encodeLoaded(e *store.Entry, redisKey string, v *V, callers int) (n int, err error) {
	n, err = c.encodeUnproven(e, redisKey, v)
	if err == nil && (c.core.trial.takesOne() || callers > 1) {
		_, err = c.prove(e)
	}
	return n, err
}

// prove returns what the bytes that encode has put into e decode as.
func (c *Cache[K, V]) prove(e *store.Entry) (v V, err error) {
	var own store.Entry // a codec may change the Wire that it decodes
	own.Alias(e)
	if err := c.parse(&own.Wire, &v); err != nil {
		c.core.trial.begin()
		return v, fmt.Errorf("the codec cannot decode what it has encoded: %w", err)
	}
	return v, nil
}

// A trial is a number of values that are still to be decoded when they are encoded. A
// codec that writes what it cannot read would cost a load at every call, for ever; what a
// codec's Check cannot see, such as what an any holds, shows here.
type trial struct{ left atomic.Int32 }

// trialSize is how many values a trial takes.
const trialSize = 4

// begin starts the trial, or starts it again: an entry could not be decoded.
func (t *trial) begin() { t.left.Store(trialSize) }

// takesOne reports whether the next value is on trial.
func (t *trial) takesOne() bool {
	return t.left.Load() > 0 && t.left.Add(-1) >= 0
}

// encodeUnproven puts the bytes of v into e and returns their number. What a codec panics
// with may hold the value, and would be told to those that share the load.
func (c *Cache[K, V]) encodeUnproven(e *store.Entry, redisKey string, v *V) (n int, err error) {
	defer keyspace.RecoverCodec(&err)
	e.Wire.Reset(redisKey)
	e.Wire.Grow(c.core.size.guess())
	if err := c.codec.Encode(&e.Wire, v); err != nil {
		return 0, err
	}
	if err := fits(&e.Wire, c.codec.Shape()); err != nil {
		return 0, err
	}
	if n, err = e.Size(); err == nil {
		c.core.size.learn(n)
	}
	return n, err
}

// A sizeHint guesses how large the next value is, in bytes.
type sizeHint struct{ largest atomic.Int64 } // of late

func (h *sizeHint) guess() int { return int(h.largest.Load()) }

// learn takes the size of a value into account. It writes to memory that all callers share only
// if the guess was wrong.
func (h *sizeHint) learn(size int) {
	switch guess := h.guess(); {
	case size > guess:
		h.largest.Store(int64(size + size/8))
	case size < guess/2:
		h.largest.Store(int64(guess - guess/8))
	}
}

// fits reports an error for spans that a key of the shape cannot hold: what is
// stored of them could not be read.
func fits(w *codec.Wire, shape codec.Shape) error {
	if shape == codec.ShapeString {
		_, err := w.Sole()
		return err
	}
	named := shape == codec.ShapeHash || shape == codec.ShapeSortedSet
	for i := range w.Len() {
		switch {
		case named && w.Name(i) == nil:
			return fmt.Errorf("the codec gave part %d of a %v no name", i, shape)
		case !named && w.Name(i) != nil:
			return fmt.Errorf("the codec gave element %d of a %v a name", i, shape)
		}
	}
	return nil
}
