package cache_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// What a hit takes of the process: the cache, the client and the codec, without a
// server's time. The answer is there as soon as the command is written.
func BenchmarkHit(b *testing.B) {
	benchHit(b, "text", codec.Text[string](), sample.Bio)
	benchHit(b, "msgpack", codec.Msgpack[account](), sample)
	benchHit(b, "json", codec.JSON[account](), sample)
	benchHit(b, "hash", hashmap.MustOf[account](), sample)
}

func benchHit[V any](b *testing.B, name string, codec codec.Codec[V], v V) {
	stub := &stubServer{answer: answerOf(b, codec, v)}
	rdb := redis.NewClient(&redis.Options{Dialer: stub.dial, Protocol: 2, DisableIdentity: true})
	b.Cleanup(func() { _ = rdb.Close() })
	c := open(b, rdb, cache.Config[int64, V]{Codec: codec})
	load := func(context.Context, int64) (V, error) { panic("a load of what is there") }
	ctx := context.Background()
	for _, method := range []struct {
		name string
		call func() error
	}{
		{"Get", func() error { _, _, err := c.Get(ctx, 42); return err }},
		{"GetOrSet", func() error { _, err := c.GetOrSet(ctx, 42, load); return err }},
	} {
		b.Run(name+"/"+method.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := method.call(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/"+method.name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := method.call(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// What a miss takes of the process that is predicted, with a lease and nobody to hear of it.
func BenchmarkMiss(b *testing.B) {
	c := yesCache(b, ":1\r\n")
	load := func(context.Context, int64) (account, error) { return sample, nil }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.GetOrSet(context.Background(), 42, load); err != nil {
			b.Fatal(err)
		}
	}
}

// A slice as a Redis list against the same slice as one string of msgpack.
func BenchmarkSliceHit(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		v := make([]string, n)
		for i := range v {
			v[i] = fmt.Sprintf("member-%08d", i)
		}
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			benchHit(b, "list", codec.List(codec.Text[string]()), v)
			benchHit(b, "msgpack", codec.Msgpack[[]string](), v)
		})
	}
}
