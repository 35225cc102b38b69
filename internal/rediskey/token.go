package rediskey

import (
	"crypto/rand"
	"encoding/hex"
)

// TokenSize is the length of a token in bytes.
const TokenSize = 16

// NewToken returns TokenSize random bytes. They name one acquisition, of one key or of many, and
// not its process: a token that came back would let in a load that a delete has overtaken.
func NewToken() string {
	var random [TokenSize]byte
	_, _ = rand.Read(random[:]) // it never fails
	return string(random[:])
}

// stagingKey returns the key under which the value of the lease of a token is staged: in the
// slot of its control key, and no control key of any value key, since what follows the prefix
// is no brace.
//
// The prefix ends with a colon, so that the key is no control key behind a longer one.
func stagingKey(prefix, control, token string) string {
	return prefix + hex.EncodeToString([]byte(token[:4])) + control[len(prefix):]
}
