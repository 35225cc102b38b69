package codec_test

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

var algorithms = []codec.Compression{codec.Zstd, codec.S2}

// text is a value that shrinks well.
var text = strings.Repeat("a value that repeats itself, ", 20)

func noise(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func TestCompressContract(t *testing.T) {
	for _, algo := range algorithms {
		t.Run(algo.String(), func(t *testing.T) {
			codectest.Suite[string]{
				Codec:         codec.Compress(codec.Text[string](), algo, 16),
				Values:        []string{"", "short", text, noise(100), strings.Repeat("\x00", 100_000)},
				Deterministic: true,
			}.Run(t)
			codectest.Run(t, codec.Compress(codec.JSON[user](), algo, 0), users...)
			codectest.Suite[color]{
				Codec: codec.Compress(codec.Text[color](), algo, 0), Values: []color{0}, Refused: []color{2},
			}.Run(t)
		})
	}
}

// TestCompressReadsGolden holds what was once stored: it must be read for ever.
func TestCompressReadsGolden(t *testing.T) {
	for stored, want := range map[string]string{
		"00616263":     "abc",
		"ffff00616263": "abc",
		goldenZstd:     text,
		goldenS2:       text,
	} {
		b, err := hex.DecodeString(stored)
		if err != nil {
			t.Fatal(err)
		}
		for _, algo := range algorithms {
			v, err := load(codec.Compress(codec.Text[string](), algo, 0), "k", string(b))
			if err != nil || v != want {
				t.Errorf("%s reads as %q, %v", stored, v, err)
			}
		}
	}
}

func TestCompressWritesFormatByte(t *testing.T) {
	for _, algo := range algorithms {
		c := codec.Compress(codec.Text[string](), algo, len(text))
		if b := stored(t, c, text); b[0] != byte(algo) || len(b) > len(text)/4 {
			t.Errorf("%v: %d bytes after byte %#x", algo, len(b), b[0])
		}
		short := text[1:] // below the minimum
		if b := stored(t, c, short); b != "\x00"+short {
			t.Errorf("%v: a value below the minimum is stored as %q", algo, b)
		}
		tough := noise(1000) // does not shrink
		if b := stored(t, c, tough); b != "\x00"+tough {
			t.Errorf("%v: a value that does not shrink is not stored as it is", algo)
		}
	}
}

func TestCompressPadsWhatShrinksTooMuch(t *testing.T) {
	for _, algo := range algorithms {
		c := codec.Compress(codec.Bytes[[]byte](), algo, 0)
		zeros := make([]byte, 10<<20)
		b := stored(t, c, zeros)
		if len(b)*1024 < len(zeros) || len(b) > 600_000 {
			t.Errorf("%v: 10 MiB of zeros are stored as %d bytes", algo, len(b))
		}
		if back, err := load(c, "k", b); err != nil || !bytes.Equal(back, zeros) {
			t.Errorf("%v: 10 MiB of zeros do not come back: %v", algo, err)
		}
		for strings.HasPrefix(b, "\xff") {
			b = b[1:]
		}
		_, err := load(c, "k", b)
		if algo == codec.Zstd { // S2 shrinks them less than the padding asks for
			fails(t, err, "claim to inflate")
		}
	}
}

func TestCompressLimit(t *testing.T) {
	for _, algo := range algorithms {
		c := codec.CompressLimit(codec.Text[string](), algo, 0, len(text))
		if back, err := load(c, "k", stored(t, c, text)); err != nil || back != text {
			t.Errorf("%v: a value at the limit: %v", algo, err)
		}
		dst, err := c.AppendValue([]byte("dst"), text+"!")
		fails(t, err, "over the limit")
		if string(dst) != "dst" {
			t.Errorf("dst is %q after an error", dst)
		}
		_, err = load(c, "k", stored(t, codec.Compress(codec.Text[string](), algo, 0), text+"!"))
		fails(t, err, "over the limit")
		_, err = load(c, "k", "\x00"+text+"!")
		fails(t, err, "over the limit")
	}
}

func TestCompressErrors(t *testing.T) {
	c := codec.Compress(codec.Text[string](), codec.Zstd, 0)
	zstd := stored(t, c, text)
	s2 := stored(t, codec.Compress(codec.Text[string](), codec.S2, 0), text)
	for stored, why := range map[string]string{
		"":              "without a format byte",
		"\xff\xff":      "without a format byte",
		"\x03" + secret: "unknown format",
		"\x01" + secret: "no zstd with a size",
		"\x02\xff\xff\xff\xff\xff\xff\x01" + secret:         "no s2 with a size",
		zstd[:len(zstd)-5]:                                  "zstd bytes are corrupt",
		zstd + secret:                                       "zstd bytes are corrupt",
		zstd + zstd[1:]:                                     "zstd bytes are corrupt",
		s2[:len(s2)-1]:                                      "s2 bytes are corrupt",
		s2 + secret:                                         "s2 bytes are corrupt",
		"\x01\x28\xb5\x2f\xfd\x00\x58\x01\x00\x00":          "no zstd with a size", // an empty frame without a size
		"\x01\x50\x2a\x4d\x18\x00\x00\x00\x00":              "no zstd with a size", // a skippable frame
		"\x01\x28\xb5\x2f\xfd\xa0\xff\xff\xff\x03" + secret: "claim to inflate",
		"\x02\xff\xff\xff\x1f" + secret:                     "claim to inflate",
	} {
		_, err := load(c, "k", stored)
		fails(t, err, why)
	}
}

// TestCompressTrustsNoSecondFrame follows a good frame with one that claims 63 MiB.
func TestCompressTrustsNoSecondFrame(t *testing.T) {
	c := codec.Compress(codec.Text[string](), codec.Zstd, 0)
	bomb := stored(t, c, text) + "\x28\xb5\x2f\xfd\xa0\x00\x00\xf0\x03" + secret
	least := uint64(math.MaxUint64) // of several, because others allocate too
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := load(c, "k", bomb)
		runtime.ReadMemStats(&after)
		fails(t, err, "zstd bytes are corrupt")
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if least > 1<<20 {
		t.Errorf("a second frame that claims 63 MiB costs %d bytes", least)
	}
}

func TestCompressCheck(t *testing.T) {
	c := codec.CompressLimit[chan int](codec.Text[chan int](), 7, -1, 0)
	for _, why := range []string{"Compression(7)", "minimum of -1", "limit of 0", "chan int has no text form"} {
		fails(t, c.Check(), why)
	}
	_, err := c.AppendValue(nil, nil)
	fails(t, err, "Compression(7)")
	fails(t, c.ParseValue([]byte{0}, new(chan int)), "Compression(7)")
	fails(t, codec.Compress[int](nil, codec.S2, 0).Check(), "nil Value")
	if err := codec.Compress(codec.Text[int](), codec.S2, 0).Check(); err != nil {
		t.Error(err)
	}
}

func TestCompressLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, algo := range algorithms {
		c := codec.Compress(codec.Text[string](), algo, 0)
		if _, err := load(c, "k", stored(t, c, strings.Repeat(text, 10_000))); err != nil {
			t.Error(err)
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines more than before", after-before)
	}
}

func TestCompressAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("under -race sync.Pool drops a part of what is put into it")
	}
	budget(t, codec.Compress(codec.Text[string](), codec.Zstd, 0), text, 0, 1)
	budget(t, codec.Compress(codec.Text[string](), codec.S2, 0), text, 0, 1)
}

const (
	goldenZstd = "0128b52ffd6444013d0100d401612076616c75652074686174207265706561747320697473656c662c20015415052d910001863fc41a"
	goldenS2   = "02c40470612076616c75652074686174207265706561747320697473656c662c20111d19001b01"
)
