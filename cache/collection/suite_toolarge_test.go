package collection_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// An element that the server does not take for its size is an error that says so, and all
// else of a pipeline is carried out.
func TestTooLargeForTheServer(t *testing.T) {
	long := strings.Repeat("v", 2<<20)
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Standalone, redistest.Cluster} {
			t.Run(server.String()+"/"+string(topology), func(t *testing.T) {
				t.Parallel()
				ctx, rdb := t.Context(), server.StartCalm(t, topology, "--proto-max-bulk-len", "1mb").Client(t)
				l, s, z := newList(t, rdb, config("list")), newSet(t, rdb, config("set")), newSortedSet(t, rdb, config("zset"))
				h, c := newHash(t, rdb, hashConfig()), newCache(t, rdb, "cache", codec.Text[string]())
				tooLarge := func(what string, err error) {
					t.Helper()
					if !errors.Is(err, cache.ErrRedis) || !strings.Contains(err.Error(), "2097152") ||
						!strings.Contains(err.Error(), "proto-max-bulk-len") {
						t.Errorf("%s: %v", what, err)
					}
				}
				_, pushed := l.PushBack(ctx, "k", long)
				_, many := l.PushBack(ctx, "k", append(slices.Repeat([]string{"v"}, 10_001), long)...)
				_, added := s.Add(ctx, "k", long)
				_, asked := s.Has(ctx, "k", long)
				_, ranked := z.Put(ctx, "k", scored{Elem: long, Score: 1})
				for what, err := range map[string]error{
					"PushBack": pushed, "PushBack of many": many, "Set.Add": added, "Set.Has": asked,
					"SortedSet.Put": ranked, "Hash.Set": h.Set(ctx, "k", name.To(long)), "Hash.Store": h.Store(ctx, "k", person{Name: long}),
				} {
					tooLarge(what, err)
				}
				var p collection.Pipeline
				before, failed := l.In(&p).PushBack("{k}", "a"), l.In(&p).PushBack("{k}", long)
				set, after := c.In(&p).Set("{k}", long), l.In(&p).PushBack("{k}", "b")
				tooLarge("Exec", p.Exec(ctx))
				_, err := failed.Result()
				tooLarge("a PushBack in a pipeline", err)
				_, err = set.Result()
				tooLarge("a Set in a pipeline", err)
				want(t, "PushBack", before, 1)
				want(t, "PushBack", after, 2)
				l.In(&p).PushBack("{k}", "c")
				c.In(&p).Set("{k}", long)
				tooLarge("ExecAtomic", p.ExecAtomic(ctx))
				if n, err := l.Len(ctx, "{k}"); n != 2 || err != nil {
					t.Errorf("after an ExecAtomic that was not sent the list has %d elements, %v; want 2", n, err)
				}
			})
		}
	}
}
