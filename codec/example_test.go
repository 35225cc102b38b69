package codec_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"github.com/asidecache/aside/codec"
)

// set encodes a value as the cache does and returns what the key then holds.
func set[V any](c codec.Codec[V], key string, v V) []byte {
	var w codec.Wire
	w.Reset(key)
	if err := c.Encode(&w, &v); err != nil {
		panic(err)
	}
	return w.Value(0)
}

// get decodes what a key holds.
func get[V any](c codec.Codec[V], key string, b []byte) (v V, err error) {
	var w codec.Wire
	w.Reset(key)
	w.Add(nil, b)
	err = c.Decode(&w, &v)
	return v, err
}

func ExampleText() {
	for _, b := range [][]byte{
		set(codec.Text[int](), "k", 42),
		set(codec.Text[float64](), "k", 0.1),
		set(codec.Text[time.Duration](), "k", 90*time.Second),
		set(codec.Text[time.Time](), "k", time.Unix(0, 0).UTC()),
		set(codec.Text[netip.Addr](), "k", netip.IPv6Loopback()),
	} {
		fmt.Printf("%s\n", b)
	}
	// Output:
	// 42
	// 0.1
	// 1m30s
	// 1970-01-01T00:00:00Z
	// ::1
}

func ExampleScalarOf() {
	_, err := codec.ScalarOf(nil)
	fmt.Println(err)
	fmt.Println(codec.Text[map[string]int]().Check())
	// Output:
	// codec: a nil reflect.Type has no text form; use reflect.TypeFor
	// codec: map[string]int has no text form; give it MarshalText and UnmarshalText, or use Msgpack or JSON
}

func ExampleBytes() {
	c := codec.Bytes[[]byte]()
	b := set(c, "avatar:42", []byte("\x89PNG"))
	back, err := get(c, "avatar:42", b)
	fmt.Printf("%q %q %v\n", b, back, err)
	// Output: "\x89PNG" "\x89PNG" <nil>
}

func ExampleJSON() {
	type page struct{ Title, Body string }
	b := set(codec.JSON[page](), "page:1", page{"Q&A", "<p>"})
	fmt.Printf("%s\n", b)
	// Output: {"Title":"Q&A","Body":"<p>"}
}

func ExampleBinary() {
	c := codec.Binary[netip.Addr]()
	b := set(c, "addr:1", netip.MustParseAddr("10.0.0.1"))
	back, err := get(c, "addr:1", b)
	fmt.Println(len(b), back, err)
	// Output: 4 10.0.0.1 <nil>
}

func ExampleCompress() {
	c := codec.Compress(codec.Text[string](), codec.Zstd, 64)
	short := set(c, "k", "short values stay as they are")
	long := set(c, "k", string(bytes.Repeat([]byte("long values shrink "), 100)))
	fmt.Println(short[0], long[0], len(long) < 100)
	// Output: 0 1 true
}

func ExampleCompressLimit() {
	c := codec.CompressLimit(codec.Text[string](), codec.S2, 0, 16)
	_, err := c.AppendValue(nil, "a value of more than 16 bytes")
	fmt.Println(err)
	// Output: codec: a value of 29 bytes is over the limit of 16; raise it with CompressLimit
}

func ExampleEncrypt() {
	ring, err := codec.NewKeyring(2, map[uint32][]byte{
		1: bytes.Repeat([]byte{1}, 32), // still opens what it encrypted
		2: bytes.Repeat([]byte{2}, 32), // from a secret store, not from the source code
	})
	if err != nil {
		panic(err)
	}
	c := codec.Encrypt(codec.Text[string](), ring)
	b := set(c, "user:42", "a secret")
	fmt.Println(get(c, "user:42", b))
	fmt.Println(get(c, "user:43", b))
	// Output:
	// a secret <nil>
	//  codec: the value does not open with key 2: it was changed, or moved from another Redis key
}

// reversed is a Value of one's own: strings, back to front.
type reversed struct{}

func (reversed) AppendValue(dst []byte, v string) ([]byte, error) {
	for i := len(v) - 1; i >= 0; i-- {
		dst = append(dst, v[i])
	}
	return dst, nil
}

func (reversed) ParseValue(src []byte, v *string) error {
	b, err := reversed{}.AppendValue(nil, string(src))
	*v = string(b)
	return err
}

func ExampleString() {
	b := set(codec.String(reversed{}), "k", "abc")
	fmt.Printf("%s\n", b)
	// Output: cba
}
