package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	encryptVersion    = 1
	encryptHeaderSize = 1 + 4
)

// Encrypt makes a Value a codec of ShapeString whose bytes can only be read or made with
// the keyring, and only for one Redis key: bytes that are moved to another key cannot be
// decrypted. Old bytes that are stored again under the same key are not detected, and the
// length of the value can be seen.
//
// The stored bytes are
//
//	1 byte     0x01, the version of this format
//	4 bytes    the id of the key, big-endian
//	12 bytes   the nonce, random
//	n bytes    the value, encrypted with AES-256-GCM
//	16 bytes   the tag
//
// and the additional data is the first 5 of them and then the Redis key.
// Encrypt what is compressed, not the other way round: encrypted bytes do not
// shrink.
//
// Without a keyring the codec's Check, and every use of it, is an error.
func Encrypt[V any](c Value[V], ring *Keyring) Encrypted[V] {
	return Encrypted[V]{c, ring}
}

// Encrypted is the Codec that Encrypt returns. It is not a Value: what it writes
// is bound to a whole Redis key.
type Encrypted[V any] struct {
	inner Value[V]
	ring  *Keyring
}

// Check implements Checker.
func (c Encrypted[V]) Check() error { return errors.Join(c.usable(), check(c.inner)) }

func (c Encrypted[V]) usable() error {
	var errs []error
	if c.inner == nil {
		errs = append(errs, errors.New("codec: Encrypt of a nil Value"))
	}
	if c.ring == nil || len(c.ring.aeads) == 0 {
		errs = append(errs, errors.New("codec: Encrypt without a keyring; make one with NewKeyring"))
	}
	return errors.Join(errs...)
}

// Shape returns ShapeString.
func (Encrypted[V]) Shape() Shape { return ShapeString }

// Encode implements Codec.
func (c Encrypted[V]) Encode(w *Wire, v *V) error {
	if err := c.usable(); err != nil {
		return err
	}
	plain, bound := getBuffer(), getBuffer()
	defer plain.release()
	defer bound.release()
	b, err := c.inner.AppendValue(plain.b, *v)
	if err != nil {
		return err
	}
	plain.b = b
	out := append(w.Scratch(), encryptVersion)
	out = binary.BigEndian.AppendUint32(out, c.ring.current)
	bound.b = append(append(bound.b, out...), w.Key()...)
	w.Keep(nil, c.ring.aeads[c.ring.current].Seal(out, nil, plain.b, bound.b))
	return nil
}

// Decode implements Codec.
func (c Encrypted[V]) Decode(w *Wire, v *V) error {
	if err := c.usable(); err != nil {
		return err
	}
	src, err := w.Sole()
	if err != nil {
		return err
	}
	if len(src) < encryptHeaderSize || src[0] != encryptVersion {
		return errors.New("codec: the stored bytes are not of this format of Encrypt; was the value written by it?")
	}
	header, sealed := src[:encryptHeaderSize], src[encryptHeaderSize:]
	id := binary.BigEndian.Uint32(header[1:])
	aead, ok := c.ring.aeads[id]
	if !ok {
		return fmt.Errorf("codec: the value is encrypted with key %d, which the keyring does not hold; keep old keys for a TTL", id)
	}
	plain, bound := getBuffer(), getBuffer()
	defer plain.release()
	defer bound.release()
	bound.b = append(append(bound.b, header...), w.Key()...)
	b, err := aead.Open(plain.b, nil, sealed, bound.b)
	if err != nil {
		return fmt.Errorf("codec: the value does not open with key %d: it was changed, or moved from another Redis key", id)
	}
	plain.b = b
	return c.inner.ParseValue(b, v)
}
