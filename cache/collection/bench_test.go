package collection_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
)

// BenchmarkAgainstPlainCommands runs each method and the go-redis call that says the
// same in turns, on a real server where there is one. It reports the time of a method,
// that of the call (plain-ns/op), and the first as a multiple of the second (times).
func BenchmarkAgainstPlainCommands(b *testing.B) {
	rdb := redistest.Mini(b).Client
	if servers := redistest.Servers(b); len(servers) > 0 {
		rdb = servers[0].Start(b, redistest.Standalone).Client(b)
	}
	for _, c := range contests(b, rdb) {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var ours, plain time.Duration
			const turn = 50
			b.ResetTimer()
			for left := b.N; left > 0; left -= turn {
				n := min(turn, left)
				began := time.Now()
				for range n {
					if err := c.ours(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				ours += time.Since(began)
				b.StopTimer()
				began = time.Now()
				for range n {
					if err := c.plain(b.Context()); err != nil && err != redis.Nil {
						b.Fatal(err)
					}
				}
				plain += time.Since(began)
				b.StartTimer()
			}
			b.ReportMetric(float64(plain.Nanoseconds())/float64(b.N), "plain-ns/op")
			b.ReportMetric(float64(ours)/float64(plain), "times")
		})
	}
}

// A contest is a method and what a program without it would call.
type contest struct {
	name        string
	ours, plain call
}

func contests(b *testing.B, rdb redis.UniversalClient) []contest {
	cfg := func(name string) collection.Config[string, string] {
		c := config(name)
		c.RedisTimeout = 0
		return c
	}
	l, s, z, h := newList(b, rdb, cfg("list")), newSet(b, rdb, cfg("set")), newSortedSet(b, rdb, cfg("zset")), newHash(b, rdb, hashConfig())
	elems := make([]string, 100)
	ranked := make([]scored, 100)
	zs := make([]redis.Z, 100)
	for i := range elems {
		elems[i] = "element " + strconv.Itoa(i)
		ranked[i] = scored{Elem: elems[i], Score: float64(i)}
		zs[i] = redis.Z{Member: elems[i], Score: float64(i)}
	}
	ctx := b.Context()
	for _, err := range []error{
		second(l.PushBack(ctx, "k", elems...)), second(s.Add(ctx, "k", elems...)), second(z.Put(ctx, "k", ranked...)),
		h.Set(ctx, "k", name.To("Ann"), age.To(41), weight.To(1.5)),
	} {
		if err != nil {
			b.Fatal(err)
		}
	}
	return []contest{
		{"List/PushBackPopFront", func(ctx context.Context) error {
			_, _ = l.PushBack(ctx, "q", "element")
			return second(l.PopFront(ctx, "q", 1))
		}, func(ctx context.Context) error {
			rdb.RPush(ctx, "plain:q", "element")
			return rdb.LPop(ctx, "plain:q").Err()
		}},
		{"List/At", func(ctx context.Context) error { _, _, err := l.At(ctx, "k", 5); return err },
			func(ctx context.Context) error { return rdb.LIndex(ctx, "list:k", 5).Err() }},
		{"List/Range100", func(ctx context.Context) error { return second(l.Range(ctx, "k", 0, -1)) },
			func(ctx context.Context) error { return rdb.LRange(ctx, "list:k", 0, -1).Err() }},
		{"List/Len", func(ctx context.Context) error { return second(l.Len(ctx, "k")) },
			func(ctx context.Context) error { return rdb.LLen(ctx, "list:k").Err() }},
		{"Set/Add", func(ctx context.Context) error { return second(s.Add(ctx, "k", "element 1")) },
			func(ctx context.Context) error { return rdb.SAdd(ctx, "set:k", "element 1").Err() }},
		{"Set/Add100", func(ctx context.Context) error { return second(s.Add(ctx, "k", elems...)) },
			func(ctx context.Context) error { return rdb.SAdd(ctx, "set:k", elems).Err() }},
		{"Set/Has", func(ctx context.Context) error { return second(s.Has(ctx, "k", "element 1")) },
			func(ctx context.Context) error { return rdb.SIsMember(ctx, "set:k", "element 1").Err() }},
		{"Set/Members100", func(ctx context.Context) error { return second(s.Members(ctx, "k")) },
			func(ctx context.Context) error { return rdb.SMembers(ctx, "set:k").Err() }},
		{"SortedSet/Put", func(ctx context.Context) error { return second(z.Put(ctx, "k", ranked[1])) },
			func(ctx context.Context) error { return rdb.ZAdd(ctx, "zset:k", zs[1]).Err() }},
		{"SortedSet/Incr", func(ctx context.Context) error { return second(z.Incr(ctx, "k", "other", 1)) },
			func(ctx context.Context) error { return rdb.ZIncrBy(ctx, "zset:k", 1, "other").Err() }},
		{"SortedSet/Score", func(ctx context.Context) error { _, _, err := z.Score(ctx, "k", "element 1"); return err },
			func(ctx context.Context) error { return rdb.ZScore(ctx, "zset:k", "element 1").Err() }},
		{"SortedSet/Range100", func(ctx context.Context) error { return second(z.Range(ctx, "k", 0, -1)) },
			func(ctx context.Context) error { return rdb.ZRangeWithScores(ctx, "zset:k", 0, -1).Err() }},
		{"Hash/Get3", func(ctx context.Context) error {
			var n string
			var a int
			var w float64
			return second(h.Get(ctx, "k", name.Into(&n), age.Into(&a), weight.Into(&w)))
		}, func(ctx context.Context) error {
			var p person
			return rdb.HMGet(ctx, "person:k", "name", "age", "weight").Scan(&p)
		}},
		{"Hash/Set2", func(ctx context.Context) error { return h.Set(ctx, "k", name.To("Ann"), age.To(41)) },
			func(ctx context.Context) error { return rdb.HSet(ctx, "person:k", "name", "Ann", "age", 41).Err() }},
		{"Hash/Incr", func(ctx context.Context) error { return h.Incr(ctx, "k", age.Into(new(int)), 1) },
			func(ctx context.Context) error { return rdb.HIncrBy(ctx, "person:k", "age", 1).Err() }},
		{"Pipeline/10", func(ctx context.Context) error {
			var p collection.Pipeline
			for range 5 {
				l.In(&p).Len("k")
				s.In(&p).Add("k", "element 1")
			}
			return p.Exec(ctx)
		}, func(ctx context.Context) error {
			p := rdb.Pipeline()
			for range 5 {
				p.LLen(ctx, "list:k")
				p.SAdd(ctx, "set:k", "element 1")
			}
			_, err := p.Exec(ctx)
			return err
		}},
		{"SetWithTTL", func(ctx context.Context) error { return second(s.With(collection.Renew()).Add(ctx, "k", "element 1")) },
			func(ctx context.Context) error { // what is atomic without a script
				p := rdb.TxPipeline()
				p.SAdd(ctx, "set:k", "element 1")
				p.PExpire(ctx, "set:k", time.Hour)
				p.Del(ctx, "aside:{set:k}")
				_, err := p.Exec(ctx)
				return err
			}},
	}
}

func second[T any](_ T, err error) error { return err }
