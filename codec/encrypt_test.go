package codec_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

// aesKey returns 32 bytes that start with first.
func aesKey(first byte) []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = first + byte(i)
	}
	return key
}

func keyring(t testing.TB, current uint32, ids ...uint32) *codec.Keyring {
	t.Helper()
	keys := map[uint32][]byte{}
	for _, id := range append(ids, current) {
		keys[id] = aesKey(byte(id))
	}
	ring, err := codec.NewKeyring(current, keys)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// sealed returns what stands under a Redis key after Encode.
func sealed[V any](t testing.TB, c codec.Codec[V], key string, v V) string {
	t.Helper()
	var w codec.Wire
	w.Reset(key)
	if err := c.Encode(&w, &v); err != nil {
		t.Fatal(err)
	}
	return string(w.Value(0))
}

func TestEncryptContract(t *testing.T) {
	ring := keyring(t, 7, 1)
	codectest.Run(t, codec.Encrypt(codec.Text[string](), ring), "", "a value")
	codectest.Run(t, codec.Encrypt(codec.Compress(codec.JSON[user](), codec.S2, 10), ring), users...)
	codectest.Suite[color]{
		Codec: codec.Encrypt(codec.Text[color](), ring), Values: []color{1}, Refused: []color{2},
	}.Run(t)
}

// TestEncryptReadsGolden opens bytes that OpenSSL's AES-256-GCM made: the key is
// 00 01 .. 1f, the nonce 64 65 .. 6f.
func TestEncryptReadsGolden(t *testing.T) {
	const golden = "01" + "00000007" + "6465666768696a6b6c6d6e6f" +
		"293bbd071a8133fa1e143e84af0024" + "7acbbe31d260cd0894071e70cbfc92"
	b, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := codec.NewKeyring(7, map[uint32][]byte{7: aesKey(0)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := load(codec.Encrypt(codec.Text[string](), ring), "user:42", string(b))
	if err != nil || v != "a cached value" {
		t.Errorf("the golden bytes read as %q, %v", v, err)
	}
}

func TestEncryptLayout(t *testing.T) {
	c := codec.Encrypt(codec.Text[string](), keyring(t, 7))
	b := sealed(t, c, "k", secret)
	if b[:5] != "\x01\x00\x00\x00\x07" || len(b) != 5+12+len(secret)+16 || strings.Contains(b, secret) {
		t.Errorf("stored as %x", b)
	}
	if b == sealed(t, c, "k", secret) {
		t.Error("the nonce was used twice")
	}
}

func TestEncryptRotates(t *testing.T) {
	before := codec.Encrypt(codec.Text[string](), keyring(t, 1))
	during := codec.Encrypt(codec.Text[string](), keyring(t, 2, 1))
	after := codec.Encrypt(codec.Text[string](), keyring(t, 2))
	old, young := sealed(t, before, "k", "old"), sealed(t, during, "k", "new")
	if v, err := load(during, "k", old); v != "old" || err != nil {
		t.Errorf("a value of the old key: %q, %v", v, err)
	}
	if v, err := load(after, "k", young); v != "new" || err != nil {
		t.Errorf("a value of the new key: %q, %v", v, err)
	}
	_, err := load(after, "k", old)
	fails(t, err, "encrypted with key 1, which the keyring does not hold")
}

func TestEncryptErrors(t *testing.T) {
	c := codec.Encrypt(codec.Text[string](), keyring(t, 7, 8))
	b := sealed(t, c, "k", secret)
	_, err := load(c, "other", b)
	fails(t, err, "moved from another Redis key")
	_, err = load(codec.Encrypt(codec.Text[string](), keyring(t, 8, 7)), "k", b[:4]+"\x08"+b[5:])
	fails(t, err, "does not open with key 8")
	for i := range len(b) {
		changed := []byte(b)
		changed[i] ^= 1
		if _, err := load(c, "k", string(changed)); err == nil {
			t.Errorf("a change of byte %d is not noticed", i)
		}
		if _, err := load(c, "k", b[:i]); err == nil {
			t.Errorf("a cut at byte %d is not noticed", i)
		}
	}
	for _, stored := range []string{"", secret, "\x02" + b[1:]} {
		_, err := load(c, "k", stored)
		fails(t, err, "not of this format")
	}
}

func TestEncryptCheck(t *testing.T) {
	c := codec.Encrypt(codec.Text[chan int](), nil)
	fails(t, c.Check(), "without a keyring")
	fails(t, c.Check(), "chan int has no text form")
	_, err := load(c, "k", "")
	fails(t, err, "without a keyring")
	fails(t, c.Encode(new(codec.Wire), new(chan int)), "without a keyring")
	fails(t, codec.Encrypt[int](nil, keyring(t, 1)).Check(), "nil Value")
	if err := codec.Encrypt(codec.Text[int](), keyring(t, 1)).Check(); err != nil {
		t.Error(err)
	}
}

func TestNewKeyringTellsAllProblems(t *testing.T) {
	material := []byte("key material")
	ring, err := codec.NewKeyring(3, map[uint32][]byte{1: material, 2: nil, 4: aesKey(4)})
	if ring != nil || err == nil {
		t.Fatalf("NewKeyring = %v, %v", ring, err)
	}
	for _, why := range []string{"no key 3", "key 1 has 12 bytes", "key 2 has 0 bytes"} {
		fails(t, err, why)
	}
	if shown := fmt.Sprint(err); strings.Contains(shown, string(material)) {
		t.Errorf("the error shows a key: %s", shown)
	}
}

func TestNewKeyringCopiesKeys(t *testing.T) {
	key := aesKey(1)
	ring, err := codec.NewKeyring(1, map[uint32][]byte{1: key})
	if err != nil {
		t.Fatal(err)
	}
	clear(key)
	b := sealed(t, codec.Encrypt(codec.Text[string](), ring), "k", "v")
	if v, err := load(codec.Encrypt(codec.Text[string](), keyring(t, 1)), "k", b); v != "v" || err != nil {
		t.Errorf("after the key's slice was cleared: %q, %v", v, err)
	}
}

func TestEncryptAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("under -race sync.Pool drops a part of what is put into it")
	}
	budget(t, codec.Encrypt(codec.Text[string](), keyring(t, 1)), text, 0, 1)
}

// TestWrappersInferTheirTypes compiles: no type is written twice.
func TestWrappersInferTheirTypes(t *testing.T) {
	ring := keyring(t, 1)
	var c codec.Codec[user] = codec.Encrypt(codec.Compress(codec.Msgpack[user](), codec.Zstd, 1024), ring)
	var s codec.Codec[string] = codec.Encrypt(codec.Text[string](), ring)
	var v codec.Value[blob] = codec.Compress(codec.Bytes[blob](), codec.S2, 0)
	for _, c := range []any{c, s, v} {
		if err := c.(codec.Checker).Check(); err != nil {
			t.Error(err)
		}
	}
}
