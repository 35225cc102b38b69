package codec

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// methods appends, as binary, what the binary or text methods of a type write.
func (w *packer) methods(dst []byte, n *packNode, p unsafe.Pointer) ([]byte, error) {
	if n.nilable && reflect.NewAt(n.typ, p).Elem().IsNil() {
		return append(dst, codeNil), nil
	}
	const guess = 2 // the length of the header if the body is short
	start := len(dst)
	b, err := n.methods.append(append(dst, 0, 0), n.typ, p)
	if err != nil {
		return dst, err
	}
	if len(b) == start+guess {
		return w.library(dst, n, p) // writes nil, or no bytes, as the method returned nil or not
	}
	var header [5]byte
	h := appendBytesLen(header[:0], len(b)-start-guess)
	b = append(b, h[guess:]...) // grows b
	copy(b[start+len(h):], b[start+guess:])
	copy(b[start:], h)
	return b, nil
}

func (r *unpacker) methods(n *packNode, p unsafe.Pointer) *unreadable {
	c := r.b[r.pos]
	b, ok := r.bytes()
	switch {
	case !ok:
		return mismatch(n.typ, c)
	case c == codeNil:
		reflect.NewAt(n.typ, p).Elem().SetZero()
		return nil
	}
	if err := n.methods.parse(b, n.typ, p); err != nil {
		return &unreadable{why: err.Error()}
	}
	return nil
}

// A libraryEncoder is an encoder of the library that appends to b.
type libraryEncoder struct {
	b []byte
	*msgpack.Encoder
}

func (e *libraryEncoder) Write(p []byte) (int, error) {
	e.b = append(e.b, p...)
	return len(p), nil
}

func (e *libraryEncoder) WriteByte(c byte) error {
	e.b = append(e.b, c)
	return nil
}

var libraryEncoders = sync.Pool{New: func() any {
	return &libraryEncoder{Encoder: msgpack.NewEncoder(nil)}
}}

// library appends what the library writes, which must be one value.
func (w *packer) library(dst []byte, n *packNode, p unsafe.Pointer) ([]byte, error) {
	b, err := libraryAppend(dst, reflect.NewAt(n.typ, p).Elem())
	if err != nil {
		return dst, opaque(fmt.Sprintf("the MessagePack method of %v", n.typ), err)
	}
	end, _, bad := scanValue(b, len(dst), w.depth)
	if bad != nil || end != len(b) {
		return dst, fmt.Errorf("codec: the MessagePack method of %v wrote what is not one value nested at most %d deep", n.typ, maxDepth)
	}
	return b, nil
}

func libraryAppend(dst []byte, v reflect.Value) (b []byte, err error) {
	defer contain(&err)
	e := libraryEncoders.Get().(*libraryEncoder)
	e.b = dst
	e.Reset(e)
	err = e.EncodeValue(v)
	b, e.b = e.b, nil
	libraryEncoders.Put(e)
	return b, err
}

// A libraryDecoder is a decoder of the library that reads the one value in b,
// which was scanned.
//
// The library takes an extension before a map for a prefix of the map, and so
// would read the body of the extension, which can hold any bytes, as the header
// of a map: of 4 G entries, for which it allocates. The way there is ReadByte,
// while bodies are read by Read. So ReadByte refuses to begin a body, unless that
// holds nothing but well-formed values.
type libraryDecoder struct {
	b    []byte
	pos  int
	edge int // a value begins here, the next one that pos has not passed
	body int // where the body of the extension before edge begins, if it is to be refused, or -1
	*msgpack.Decoder
}

var libraryDecoders = sync.Pool{New: func() any {
	return &libraryDecoder{Decoder: msgpack.NewDecoder(nil)}
}}

var errExtension = errors.New("codec: an extension is where another value is wanted")

func (d *libraryDecoder) Read(p []byte) (int, error) {
	if d.pos == len(d.b) && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, d.b[d.pos:])
	d.pos += n
	return n, nil
}

func (d *libraryDecoder) UnreadByte() error {
	if d.pos == 0 {
		return errors.New("codec: nothing was read")
	}
	d.pos--
	return nil
}

func (d *libraryDecoder) ReadByte() (byte, error) {
	if d.pos == len(d.b) {
		return 0, io.EOF
	}
	for d.edge <= d.pos {
		d.cross()
	}
	if d.pos == d.body {
		return 0, errExtension
	}
	c := d.b[d.pos]
	d.pos++
	return c, nil
}

// cross moves edge to the next value, in or behind the one at edge.
func (d *libraryDecoder) cross() {
	start := d.edge
	d.edge, d.body = after(d.b, start), -1
	if !isExtension(d.b[start]) {
		return
	}
	if _, body := extension(d.b, start); plain(body) {
		d.edge -= len(body)
	} else {
		d.body = d.edge - len(body)
	}
}

// plain reports whether b is well-formed values without extensions.
func plain(b []byte) bool {
	for pos := 0; pos < len(b); {
		end, _, err := scanValue(b, pos, 0)
		if err != nil {
			return false
		}
		pos = end
	}
	for pos := 0; pos < len(b); pos = after(b, pos) {
		if isExtension(b[pos]) {
			return false
		}
	}
	return true
}

// library sets the variable of n's type at p with the library.
func (r *unpacker) library(n *packNode, p unsafe.Pointer) *unreadable {
	start := r.pos
	r.skip()
	left, err := libraryParse(r.b[start:r.pos], reflect.NewAt(n.typ, p).Elem())
	if err != nil {
		return &unreadable{why: opaque(fmt.Sprintf("the MessagePack method of %v", n.typ), err).Error()}
	}
	if left > 0 {
		return &unreadable{why: fmt.Sprintf("the MessagePack method of %v did not read the whole value", n.typ)}
	}
	return nil
}

func libraryParse(b []byte, v reflect.Value) (left int, err error) {
	defer contain(&err)
	d := libraryDecoders.Get().(*libraryDecoder)
	d.b, d.pos, d.edge, d.body = b, 0, 0, -1
	d.Reset(d)
	err = d.DecodeValue(v)
	left = len(b) - d.pos
	d.b = nil
	if err == nil && len(b) <= maxPooled { // else it may keep, or go on recording, what it read
		libraryDecoders.Put(d)
	}
	return left, err
}
