package codec

import "sync"

// maxPooled is the largest buffer, in bytes, that is kept in the pool: a single
// huge value must not stay in memory.
const maxPooled = 1 << 20

// A buffer holds the bytes of one value between two codecs.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func getBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) release() {
	if cap(b.b) <= maxPooled {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

// sized returns n bytes of the buffer, whatever they hold.
func (b *buffer) sized(n int) []byte {
	if cap(b.b) < n {
		b.b = make([]byte, n)
	}
	b.b = b.b[:n]
	return b.b
}
