package codec

import (
	"encoding/binary"
	"math"
	"time"
)

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, codeTrue)
	}
	return append(dst, codeFalse)
}

// appendInt appends n as short as it can be.
func appendInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0:
		return appendUint(dst, uint64(n))
	case n >= -32:
		return append(dst, byte(n))
	case n >= math.MinInt8:
		return append(dst, codeInt8, byte(n))
	case n >= math.MinInt16:
		return append2(dst, codeInt16, uint16(n))
	case n >= math.MinInt32:
		return append4(dst, codeInt32, uint32(n))
	}
	return append8(dst, codeInt64, uint64(n))
}

// appendUint appends n as short as it can be.
func appendUint(dst []byte, n uint64) []byte {
	switch {
	case n < codeFixMap:
		return append(dst, byte(n))
	case n <= math.MaxUint8:
		return append(dst, codeUint8, byte(n))
	case n <= math.MaxUint16:
		return append2(dst, codeUint16, uint16(n))
	case n <= math.MaxUint32:
		return append4(dst, codeUint32, uint32(n))
	}
	return append8(dst, codeUint64, n)
}

func append2(dst []byte, code byte, n uint16) []byte {
	return append(dst, code, byte(n>>8), byte(n))
}

func append4(dst []byte, code byte, n uint32) []byte {
	return append(dst, code, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func append8(dst []byte, code byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, code), n)
}

// appendCount appends the header of what has n elements or bytes and no short
// form: one of code for lengths of 2 and one of code+1 for lengths of 4 bytes.
func appendCount(dst []byte, code byte, n int) []byte {
	if n <= math.MaxUint16 {
		return append2(dst, code, uint16(n))
	}
	return append4(dst, code+1, uint32(n))
}

func appendArrayLen(dst []byte, n int) []byte {
	if n < 16 {
		return append(dst, codeFixArray|byte(n))
	}
	return appendCount(dst, codeArray16, n)
}

func appendMapLen(dst []byte, n int) []byte {
	if n < 16 {
		return append(dst, codeFixMap|byte(n))
	}
	return appendCount(dst, codeMap16, n)
}

// setMapLen sets the number of entries of the map at dst[start], which ends dst and was
// begun as empty, to n.
func setMapLen(dst []byte, start, n int) []byte {
	var header [5]byte
	h := appendMapLen(header[:0], n)
	dst = append(dst, h[1:]...) // grows dst
	copy(dst[start+len(h):], dst[start+1:])
	copy(dst[start:], h)
	return dst
}

func appendBytesLen(dst []byte, n int) []byte {
	if n <= math.MaxUint8 {
		return append(dst, codeBin8, byte(n))
	}
	return appendCount(dst, codeBin16, n)
}

func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return append(dst, codeNil)
	}
	return append(appendBytesLen(dst, len(b)), b...)
}

func appendString(dst []byte, s string) []byte {
	switch n := len(s); {
	case n < 32:
		dst = append(dst, codeFixStr|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, codeStr8, byte(n))
	default:
		dst = appendCount(dst, codeStr16, n)
	}
	return append(dst, s...)
}

// appendPackTime appends t as extension -1: seconds of 4 bytes, nanoseconds of 30
// bits with seconds of 34, or nanoseconds of 4 bytes with seconds of 8.
func appendPackTime(dst []byte, t time.Time) []byte {
	const typ = 0xff
	secs, nanos := uint64(t.Unix()), uint64(t.Nanosecond())
	switch {
	case secs>>34 != 0:
		dst = append(dst, codeExt8, 12, typ)
		dst = binary.BigEndian.AppendUint32(dst, uint32(nanos))
		return binary.BigEndian.AppendUint64(dst, secs)
	case nanos != 0 || secs > math.MaxUint32:
		return binary.BigEndian.AppendUint64(append(dst, codeFixExt8, typ), nanos<<34|secs)
	}
	return binary.BigEndian.AppendUint32(append(dst, codeFixExt4, typ), uint32(secs))
}
