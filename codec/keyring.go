package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// keySize is the size of an AES-256 key in bytes.
const keySize = 32

// A Keyring holds the keys of Encrypt by their ids. It is safe for concurrent
// use and does not change; to rotate, build one with a new current key and keep
// the old keys in it until nothing that they encrypted is stored any more, which
// is one TTL after the last process has switched. All processes have to have a
// key before any of them makes it the current one.
//
// One key may encrypt 2^32 values: its nonces are random, and beyond that the
// risk of using one twice is no longer negligible (NIST SP 800-38D, section 8.3).
// At 1,000 writes a second that is seven weeks.
type Keyring struct {
	current uint32
	aeads   map[uint32]cipher.AEAD // ciphertexts have their nonce in front
}

// NewKeyring returns a keyring that encrypts with the current key and decrypts
// with any of them. Each key must be 32 random bytes; they are copied. An error
// reports all problems at once, without a byte of a key.
func NewKeyring(current uint32, keys map[uint32][]byte) (*Keyring, error) {
	var errs []error
	if _, ok := keys[current]; !ok {
		errs = append(errs, fmt.Errorf("codec: the keyring has no key %d, which is to be the current one", current))
	}
	r := &Keyring{current, make(map[uint32]cipher.AEAD, len(keys))}
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		if len(keys[id]) != keySize {
			errs = append(errs, fmt.Errorf("codec: key %d has %d bytes; AES-256 needs %d random ones", id, len(keys[id]), keySize))
			continue
		}
		aead, err := newAEAD(keys[id])
		if err != nil {
			errs = append(errs, fmt.Errorf("codec: key %d: %w", id, err))
			continue
		}
		r.aeads[id] = aead
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return r, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
