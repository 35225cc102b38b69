package codec

import "encoding/binary"

// maxDepth is how deep arrays and maps may nest in a MessagePack value, structs
// counting as what they are written as. More is refused when it is written and
// when it is read, so that all that is written can be read, and that neither
// bytes nor a cyclic value can overflow the stack.
const maxDepth = 64

// The lead bytes of the MessagePack format, see
// https://github.com/msgpack/msgpack/blob/master/spec.md.
const (
	codeFixMap   = 0x80
	codeFixArray = 0x90
	codeFixStr   = 0xa0
	codeNil      = 0xc0
	codeFalse    = 0xc2
	codeTrue     = 0xc3
	codeBin8     = 0xc4
	codeBin16    = 0xc5
	codeBin32    = 0xc6
	codeExt8     = 0xc7
	codeExt16    = 0xc8
	codeExt32    = 0xc9
	codeFloat32  = 0xca
	codeFloat64  = 0xcb
	codeUint8    = 0xcc
	codeUint16   = 0xcd
	codeUint32   = 0xce
	codeUint64   = 0xcf
	codeInt8     = 0xd0
	codeInt16    = 0xd1
	codeInt32    = 0xd2
	codeInt64    = 0xd3
	codeFixExt1  = 0xd4
	codeFixExt4  = 0xd6
	codeFixExt8  = 0xd7
	codeFixExt16 = 0xd8
	codeStr8     = 0xd9
	codeStr16    = 0xda
	codeStr32    = 0xdb
	codeArray16  = 0xdc
	codeArray32  = 0xdd
	codeMap16    = 0xde
	codeMap32    = 0xdf
	codeNegative = 0xe0
)

// A lead is what a lead byte says of the bytes after it: up to leadFixed it is
// the length of the whole value, lead byte included; above, the class of the
// length or count that follows.
type lead uint8

const (
	leadInvalid lead = 0
	leadFixed   lead = 32 // the longest value of fixed length, a string of 31 bytes
	leadBytes8  lead = iota + leadFixed
	leadBytes16
	leadBytes32
	leadExt8
	leadExt16
	leadExt32
	leadFixArray
	leadArray16
	leadArray32
	leadFixMap
	leadMap16
	leadMap32
)

var leads = func() (t [256]lead) {
	for c := range t {
		switch {
		case c < codeFixMap || c >= codeNegative:
			t[c] = 1
		case c < codeFixArray:
			t[c] = leadFixMap
		case c < codeFixStr:
			t[c] = leadFixArray
		case c < codeNil:
			t[c] = lead(1 + c - codeFixStr)
		}
	}
	t[codeNil], t[codeFalse], t[codeTrue] = 1, 1, 1
	for i := range 3 {
		t[codeBin8+i] = leadBytes8 + lead(i)
		t[codeStr8+i] = leadBytes8 + lead(i)
		t[codeExt8+i] = leadExt8 + lead(i)
	}
	t[codeFloat32], t[codeFloat64] = 5, 9
	for i := range 4 {
		t[codeUint8+i] = lead(1 + 1<<i)
		t[codeInt8+i] = lead(1 + 1<<i)
	}
	for i := range 5 {
		t[codeFixExt1+i] = lead(2 + 1<<i)
	}
	t[codeArray16], t[codeArray32] = leadArray16, leadArray32
	t[codeMap16], t[codeMap32] = leadMap16, leadMap32
	return t
}()

var (
	errCut       = &unreadable{why: "they end in the middle of a value"}
	errCode      = &unreadable{why: "they hold a byte that no MessagePack value begins with"}
	errDepth     = &unreadable{why: "arrays and maps nest deeper than 64 levels"}
	errRemainder = &unreadable{why: "there are more bytes after the value"}
)

// texts are the lengths of the strings that lead bytes begin, where they tell them.
var texts = func() (t [256]uint8) {
	for n := range uint8(codeNil - codeFixStr) {
		t[codeFixStr+n] = n
	}
	return t
}()

// scan reports whether b is exactly one well-formed MessagePack value: every
// length it declares is there, every count fits in the bytes that remain, nothing
// nests deeper than maxDepth and nothing follows. It takes time in proportion to
// len(b), does not recurse and does not allocate. text is how long all strings are
// together, names of fields included.
func scan(b []byte) (text int, err *unreadable) {
	end, text, err := scanValue(b, 0, 0)
	if err == nil && end != len(b) {
		return 0, errRemainder
	}
	return text, err
}

// scanValue scans the value that begins at b[pos] inside of depth arrays and
// maps, and returns where it ends, and how long its strings are.
func scanValue(b []byte, pos, depth int) (end, text int, err *unreadable) {
	var open [maxDepth]int // values still to come in the arrays and maps around
	left := 1              // in the innermost
	outer := depth
	for {
		for ; left > 0 && uint(pos) < uint(len(b)); left-- {
			c := b[pos]
			class := leads[c]
			if class-1 >= leadFixed { // 0 wraps around
				break
			}
			pos += int(class)
			text += int(texts[c])
		}
		switch {
		case left == 0 && depth > outer:
			depth--
			left = open[depth]
			continue
		case left == 0 && pos <= len(b):
			return pos, text, nil
		case pos >= len(b):
			return 0, 0, errCut
		}
		left--
		class := leads[b[pos]]
		next, count, err := scanLong(b, pos, class)
		if err != nil {
			return 0, 0, err
		}
		if c := b[pos]; c >= codeStr8 && c <= codeStr32 {
			text += next - pos
		}
		pos = next
		if class < leadFixArray {
			continue
		}
		if depth == maxDepth {
			return 0, 0, errDepth
		}
		open[depth] = left
		depth++
		left = count
	}
}

// scanLong scans a value of a class above leadFixed. Of an array or a map it is
// the header alone, and count is how many values follow.
func scanLong(b []byte, pos int, class lead) (next, count int, err *unreadable) {
	const sizeOfSize = "\x01\x02\x04\x01\x02\x04\x00\x02\x04\x00\x02\x04"
	if class == leadInvalid {
		return 0, 0, errCode
	}
	rest := b[pos+1:]
	var n uint64
	size := int(sizeOfSize[class-leadBytes8])
	if len(rest) < size {
		return 0, 0, errCut
	}
	switch size {
	case 0:
		n = uint64(b[pos] & 0x0f)
	case 1:
		n = uint64(rest[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(rest))
	case 4:
		n = uint64(binary.BigEndian.Uint32(rest))
	}
	switch {
	case class >= leadFixMap:
		n *= 2
	case class >= leadExt8 && class <= leadExt32:
		n++ // its type
	}
	if n > uint64(len(rest)-size) { // a value has one byte at least
		return 0, 0, errCut
	}
	next = pos + 1 + size
	if class < leadFixArray {
		return next + int(n), 0, nil
	}
	return next, int(n), nil
}

// isExtension reports whether c begins an extension.
func isExtension(c byte) bool {
	return c >= codeExt8 && c <= codeExt32 || c >= codeFixExt1 && c <= codeFixExt16
}

// after returns where the value that begins at b[pos], in bytes that were scanned,
// ends; of an array or a map, where its first element begins.
func after(b []byte, pos int) int {
	class := leads[b[pos]]
	if class <= leadFixed {
		return pos + int(class)
	}
	next, _, _ := scanLong(b, pos, class)
	return next
}

// extension returns the type and the body of the extension that begins at b[pos],
// in bytes that were scanned.
func extension(b []byte, pos int) (id int8, body []byte) {
	start := pos + 2
	if c := b[pos]; c <= codeExt32 {
		start += 1 << (c - codeExt8)
	}
	return int8(b[start-1]), b[start:after(b, pos)]
}
