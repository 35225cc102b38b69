package codec_test

import (
	"math"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

func FuzzTextInt8(f *testing.F) { codectest.Fuzz(f, codec.Text[level](), -128, 127) }
func FuzzTextFloat(f *testing.F) {
	codectest.Fuzz(f, codec.Text[float32](), 0.1, float32(math.Inf(-1)))
}

func FuzzTextDuration(f *testing.F) {
	codectest.Fuzz(f, codec.Text[time.Duration](), 90*time.Second, math.MinInt64)
}

func FuzzTextTime(f *testing.F) {
	codectest.Suite[time.Time]{
		Codec:  codec.Text[time.Time](),
		Values: []time.Time{time.Unix(1, 1).UTC(), time.Unix(1, 0).In(time.FixedZone("", -5400))},
		Equal:  time.Time.Equal,
	}.Fuzz(f)
}

func FuzzJSON(f *testing.F)   { codectest.Fuzz(f, codec.JSON[user](), users...) }
func FuzzBinary(f *testing.F) { codectest.Fuzz(f, codec.Binary[point](), point{1, 2}) }

func FuzzCompressZstd(f *testing.F) {
	codectest.Fuzz(f, codec.Compress(codec.Text[string](), codec.Zstd, 0), "", text, noise(100))
}

func FuzzCompressS2(f *testing.F) {
	codectest.Fuzz(f, codec.Compress(codec.Text[string](), codec.S2, 0), "", text, noise(100))
}

func FuzzEncrypt(f *testing.F) {
	codectest.Fuzz(f, codec.Encrypt(codec.Text[string](), keyring(f, 7)), "", text)
}

// FuzzCompressRoundTrip starts from values, not from stored bytes.
func FuzzCompressRoundTrip(f *testing.F) {
	f.Add([]byte(text), 0)
	f.Add(make([]byte, 5000), 10)
	f.Fuzz(func(t *testing.T, v []byte, min int) {
		for _, algo := range algorithms {
			c := codec.Compress(codec.Bytes[[]byte](), algo, max(min, 0))
			b, err := c.AppendValue(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			var back []byte
			if err := c.ParseValue(b, &back); err != nil || string(back) != string(v) {
				t.Errorf("%v: %d bytes come back as %d: %v", algo, len(v), len(back), err)
			}
		}
	})
}
