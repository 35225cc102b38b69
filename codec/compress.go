package codec

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// A Compression is an algorithm for Compress. Its number is the one that stands
// in the stored bytes.
type Compression uint8

// The algorithms: Zstd makes the smaller values, S2 is several times faster.
const (
	Zstd Compression = 1 // Zstandard frames, RFC 8878
	S2   Compression = 2 // S2 blocks of github.com/klauspost/compress/s2, a superset of Snappy's
)

// String returns the algorithm's name.
func (c Compression) String() string {
	switch c {
	case Zstd:
		return "zstd"
	case S2:
		return "s2"
	}
	return fmt.Sprintf("Compression(%d)", uint8(c))
}

const (
	formatRaw  = 0    // what the inner value wrote, as it is
	formatPad  = 0xff // stands in front of the format byte, as often as needed
	maxInflate = 64 << 20

	// maxRatio is how many bytes one stored byte may inflate to. It bounds what
	// hostile bytes can claim by the bytes that are there.
	maxRatio = 1024
)

// Compress stores what c writes in compressed form, where that makes it
// smaller: values of less than min bytes and those that do not shrink are stored
// as they are. The stored bytes are
//
//	0x00 value           not compressed
//	0x01 zstd frame      with its content size
//	0x02 S2 block
//
// each behind as many bytes 0xff as make the whole at least 1/1024 of the value:
// they are skipped. What claims more than that is refused before memory is
// allocated for it, and so are values of more than 64 MiB, in both directions;
// CompressLimit has another limit. Both algorithms are read, whichever is
// written, so that it can be changed while values are stored.
//
// Check is an error for a negative min or an unknown algorithm.
func Compress[V any](c Value[V], algo Compression, min int) StringCodec[V] {
	return CompressLimit(c, algo, min, maxInflate)
}

// CompressLimit is Compress for values of at most limit bytes.
func CompressLimit[V any](c Value[V], algo Compression, min, limit int) StringCodec[V] {
	var errs []error
	if c == nil {
		errs = append(errs, errors.New("codec: Compress of a nil Value"))
	}
	if algo != Zstd && algo != S2 {
		errs = append(errs, fmt.Errorf("codec: Compress knows no %v; use Zstd or S2", algo))
	}
	if min < 0 {
		errs = append(errs, fmt.Errorf("codec: Compress with a minimum of %d bytes; use 0 to try all values", min))
	}
	if limit <= 0 {
		errs = append(errs, fmt.Errorf("codec: CompressLimit with a limit of %d bytes; it must be above 0", limit))
	}
	return String[V](&compressed[V]{c, algo, min, limit, errors.Join(errs...)})
}

type compressed[V any] struct {
	inner Value[V]
	algo  Compression
	min   int
	limit int
	err   error // of the settings
}

func (c *compressed[V]) Check() error {
	return errors.Join(c.err, check(c.inner))
}

func (c *compressed[V]) AppendValue(dst []byte, v V) ([]byte, error) {
	if c.err != nil {
		return dst, c.err
	}
	buf := getBuffer()
	defer buf.release()
	plain, err := c.inner.AppendValue(buf.b, v)
	if err != nil {
		return dst, err
	}
	buf.b = plain
	if len(plain) > c.limit {
		return dst, fmt.Errorf("codec: a value of %d bytes is over the limit of %d; raise it with CompressLimit", len(plain), c.limit)
	}
	if len(plain) >= c.min {
		if b, ok := deflate(dst, plain, c.algo); ok {
			return b, nil
		}
	}
	return append(append(dst, formatRaw), plain...), nil
}

// deflate appends the padded, compressed form of plain to dst, and reports
// whether that is shorter than plain behind a format byte.
func deflate(dst, plain []byte, algo Compression) ([]byte, bool) {
	start := len(dst)
	b := append(dst, byte(algo))
	switch algo {
	case Zstd:
		b = zstdEncoder().EncodeAll(plain, b)
	case S2:
		if len(plain) > maxS2Block {
			return dst, false
		}
		b = s2Append(b, plain)
	}
	if len(b)-start > len(plain) {
		return dst, false
	}
	if short := (len(plain)+maxRatio-1)/maxRatio - (len(b) - start); short > 0 {
		b = slices.Insert(b, start, bytes.Repeat([]byte{formatPad}, short)...)
	}
	return b, true
}

func (c *compressed[V]) ParseValue(src []byte, v *V) error {
	if c.err != nil {
		return c.err
	}
	limit := min(uint64(c.limit), maxRatio*uint64(len(src)))
	for len(src) > 0 && src[0] == formatPad {
		src = src[1:]
	}
	if len(src) == 0 {
		return errors.New("codec: stored bytes without a format byte; was the value written by Compress?")
	}
	format, src := src[0], src[1:]
	if format == formatRaw {
		if len(src) > c.limit {
			return fmt.Errorf("codec: %d stored bytes are over the limit of %d; raise it with CompressLimit", len(src), c.limit)
		}
		return c.inner.ParseValue(src, v)
	}
	buf := getBuffer()
	defer buf.release()
	plain, err := inflate(buf, src, Compression(format), limit)
	if err != nil {
		return err
	}
	return c.inner.ParseValue(plain, v)
}

func inflate(buf *buffer, src []byte, algo Compression, limit uint64) ([]byte, error) {
	var size uint64
	var ok bool
	switch algo {
	case Zstd:
		size, ok = zstdSize(src)
	case S2:
		size, ok = s2Size(src)
	default:
		return nil, errors.New("codec: stored bytes of an unknown format; was the value written by Compress?")
	}
	switch {
	case !ok:
		return nil, fmt.Errorf("codec: the stored bytes are no %v with a size", algo)
	case size > limit:
		return nil, fmt.Errorf("codec: %d stored bytes claim to inflate to %d, over the limit of %d", len(src), size, limit)
	}
	plain := buf.sized(int(size))
	if algo == Zstd {
		ok = zstdDecode(plain, src)
	} else {
		ok = s2Decode(plain, src)
	}
	if !ok {
		return nil, fmt.Errorf("codec: the stored %v bytes are corrupt", algo)
	}
	return plain, nil
}
