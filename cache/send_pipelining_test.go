package cache_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// shareHook counts the reads that have shared a pipeline.
type shareHook struct{ reads atomic.Int64 }

func (*shareHook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (*shareHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (h *shareHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if cmd.Name() == "get" {
				h.reads.Add(1)
			}
		}
		return next(ctx, cmds)
	}
}

// Few callers never share a pipeline, many do, and none where it is switched off.
func TestPipelining(t *testing.T) {
	for _, tt := range []struct {
		pipelining cache.Pipelining
		callers    int
		share      bool
	}{{cache.Adaptive, 10, false}, {cache.Adaptive, 40, true}, {cache.Unpipelined, 40, false}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f := newFaults(t, env)
				rdb := f.client(t, func(o *redis.UniversalOptions) { o.PoolSize = 100 })
				hook := new(shareHook)
				rdb.AddHook(hook)
				c := open(t, rdb, cache.Config[string, string]{Pipelining: tt.pipelining})
				for i := range tt.callers {
					if err := c.Set(t.Context(), fmt.Sprint(i), "v"); err != nil {
						t.Fatal(err)
					}
				}
				f.delay(func(string) time.Duration { return 0 }, func() time.Duration { return time.Millisecond })
				var callers sync.WaitGroup
				for i := range tt.callers {
					callers.Go(func() {
						v, err := c.GetOrSet(t.Context(), fmt.Sprint(i), never[string](t))
						want(t, "GetOrSet", v, err, "v")
					})
				}
				callers.Wait()
				if n := hook.reads.Load(); (n > 0) != tt.share {
					t.Errorf("%d reads of %d callers have shared a pipeline", n, tt.callers)
				}
			})
		})
	}
}

// Writes of caches with values of several types share pipelines, and each is stored as what it is.
func TestPipeliningOfSeveralTypes(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		rdb := f.client(t, func(o *redis.UniversalOptions) { o.PoolSize = 100 })
		texts := open(t, rdb, cache.Config[string, string]{Name: "texts"})
		lists := cache.Must(cache.New(rdb, cache.Config[string, []string]{
			Name: "lists", TTL: time.Minute, Codec: codec.List(codec.Text[string]()),
		}))
		t.Cleanup(func() { _ = lists.Close() })
		f.delay(func(string) time.Duration { return 0 }, func() time.Duration { return time.Millisecond })
		list := []string{"a", "b", "c"} // as many arguments as a string with its TTL
		var callers sync.WaitGroup
		set := func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		for i := range 40 {
			key := fmt.Sprint(i)
			writes := []func(){
				func() { set(texts.Set(t.Context(), key, "v")) },
				func() { set(lists.Set(t.Context(), key, list)) },
			}
			callers.Go(writes[i%2])
			callers.Go(writes[1-i%2])
		}
		callers.Wait()
		for i := range 40 {
			text, _, err := texts.Get(t.Context(), fmt.Sprint(i))
			want(t, "Get of a text", text, err, "v")
			got, _, err := lists.Get(t.Context(), fmt.Sprint(i))
			want(t, "Get of a list", got, err, list)
		}
	})
}
