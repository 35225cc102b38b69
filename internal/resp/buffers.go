package resp

import (
	"math/bits"
	"sync"
	"unsafe"
)

// Large answers take turns of memory: making and clearing it for each costs more than reading
// it. What is free belongs to the garbage collector, which has it within two of its cycles, so
// that an idle process keeps nothing.

const (
	minPooled = 16 << 10
	framing   = 64 // bytes of a bulk string around a value whose size is a power of two
)

// pools have the free buffers of each size class, from 16 KB to 4 MB: the pointers to their bytes.
var pools [9]sync.Pool

// classOf returns the smallest class of buffers of n bytes, and whether there is one.
func classOf(n int) (class int, ok bool) {
	class = max(bits.Len(uint(max(n-framing-1, 0)))-bits.Len(minPooled-1), 0)
	return class, class < len(pools)
}

func sizeOf(class int) int { return minPooled<<class + framing }

// newBuffer returns a buffer without content, for n bytes at least.
func newBuffer(n int) []byte {
	class, ok := classOf(n)
	if !ok {
		return make([]byte, 0, n)
	}
	if first, ok := pools[class].Get().(*byte); ok {
		return unsafe.Slice(first, sizeOf(class))[:0]
	}
	return make([]byte, 0, sizeOf(class))
}

// freeBuffer gives up a buffer of newBuffer, which nothing refers to any more.
func freeBuffer(buf []byte) {
	if class, ok := classOf(cap(buf)); ok {
		pools[class].Put(unsafe.SliceData(buf))
	}
}
