package codec

import (
	"runtime"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// One encoder and one decoder serve all, each with as many states as can run at
// once. EncodeAll and DecodeAll start no goroutines, so they need no Close.

var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil,
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithSingleSegment(true)) // else small frames have no size
	if err != nil {
		panic(err) // the options are constant
	}
	return e
})

// zstdDecoder writes into the memory of its caller and never allocates more: the caller
// decides how much that may be.
var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err) // the options are constant
	}
	return d
})

// zstdSize returns the content size that the frame claims.
func zstdSize(src []byte) (uint64, bool) {
	var h zstd.Header
	if err := h.Decode(src); err != nil || !h.HasFCS {
		return 0, false
	}
	return h.FrameContentSize, true
}

func zstdDecode(dst, src []byte) bool {
	b, err := zstdDecoder().DecodeAll(src, dst[:0:len(dst)])
	return err == nil && len(b) == len(dst) // the rest of dst would be of other values
}

// maxS2Block is the most that one S2 block is made of here, in bytes: the length
// in front of it has 32 bits, and has to hold what does not shrink too.
const maxS2Block = 1 << 30

// s2Append needs space for more than it appends, so it works in a buffer.
func s2Append(dst, plain []byte) []byte {
	scratch := getBuffer()
	defer scratch.release()
	return append(dst, s2.Encode(scratch.sized(s2.MaxEncodedLen(len(plain))), plain)...)
}

func s2Size(src []byte) (uint64, bool) {
	n, err := s2.DecodedLen(src)
	return uint64(n), err == nil
}

func s2Decode(dst, src []byte) bool {
	_, err := s2.Decode(dst, src)
	return err == nil
}
