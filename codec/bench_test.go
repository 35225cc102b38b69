package codec_test

import (
	"testing"

	"github.com/asidecache/aside/codec"
)

func bench[V any](b *testing.B, c codec.Codec[V], v V) {
	var w codec.Wire
	encode := func() {
		w.Reset("k")
		if err := c.Encode(&w, &v); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encode()
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		encode()
		for b.Loop() {
			var back V
			if err := c.Decode(&w, &back); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTextString(b *testing.B) { bench(b, codec.Text[string](), text) }
func BenchmarkTextInt(b *testing.B)    { bench(b, codec.Text[int64](), 1234567890) }
func BenchmarkTextFloat(b *testing.B)  { bench(b, codec.Text[float64](), 0.1) }
func BenchmarkZstd(b *testing.B)       { bench(b, codec.Compress(codec.Text[string](), codec.Zstd, 0), text) }
func BenchmarkS2(b *testing.B)         { bench(b, codec.Compress(codec.Text[string](), codec.S2, 0), text) }

func BenchmarkJSON(b *testing.B) { bench(b, codec.JSON[packAccount](), account) }

func BenchmarkEncrypt(b *testing.B) {
	bench(b, codec.Encrypt(codec.Text[string](), keyring(b, 1)), text)
}
