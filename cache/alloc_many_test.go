package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// What a batch of a hundred hits allocates: its values, what holds them and little else. Nothing is
// made ready for loads that there are none of, and the memory of the answer is used again.
func TestManyHitAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools hold at random")
	}
	const n = 100
	var answer bytes.Buffer
	fmt.Fprintf(&answer, "*%d\r\n", n)
	for range n {
		answer.Write(answerOf(t, codec.Msgpack[account](), sample))
	}
	stub := &stubServer{answer: answer.Bytes()}
	rdb := redis.NewClient(&redis.Options{Dialer: stub.dial, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = rdb.Close() })
	keys := make([]int64, n)
	for i := range keys {
		keys[i] = int64(i)
	}
	load := func(context.Context, []int64) (map[int64]account, error) { panic("a load of what is there") }
	c := open(t, rdb, cache.Config[int64, account]{})
	t.Run("GetMany", func(t *testing.T) {
		batchAllocations(t, 430, 53<<10, func() (int, error) {
			got, err := c.GetMany(context.Background(), keys)
			return len(got), err
		})
	})
	t.Run("GetOrSetMany", func(t *testing.T) {
		batchAllocations(t, 430, 54<<10, func() (int, error) {
			got, err := c.GetOrSetMany(context.Background(), keys, load)
			return len(got), err
		})
	})
}

// batchAllocations checks what a call for a hundred keys allocates, and that it returns them all.
func batchAllocations(t *testing.T, budget, bytes float64, do func() (int, error)) {
	t.Helper()
	call := func() {
		if n, err := do(); n != 100 || err != nil {
			t.Fatalf("%d values, %v", n, err)
		}
	}
	for range 1000 { // the cache sees how likely misses are
		call()
	}
	const runs = 500
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		call()
	}
	runtime.ReadMemStats(&after)
	allocs := float64(after.Mallocs-before.Mallocs) / runs
	size := float64(after.TotalAlloc-before.TotalAlloc) / runs
	t.Logf("%.0f allocations, %.1f KB", allocs, size/1024)
	if allocs > budget || size > bytes {
		t.Errorf("%.0f allocations and %.1f KB, the budget is %v and %v KB", allocs, size/1024, budget, bytes/1024)
	}
}

// The memory of an answer is used again, but not before all values in it are decoded: here another
// batch reads when the first one is.
func TestManyKeysAreDecodedBeforeMemoryIsUsedAgain(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		env.FlushAll(t)
		texts := &interruptedTexts{Codec: codec.Text[string]()}
		c := open(t, env.Client, cache.Config[string, string]{Codec: texts})
		first, second := make(map[string]string), make(map[string]string)
		for i := range 50 {
			first["a"+strconv.Itoa(i)] = strings.Repeat("first ", 100)
			second["b"+strconv.Itoa(i)] = strings.Repeat("second", 100)
		}
		if err := errors.Join(c.SetMany(t.Context(), first), c.SetMany(t.Context(), second)); err != nil {
			t.Fatal(err)
		}
		read := func(want map[string]string) {
			got, err := c.GetMany(t.Context(), slices.Collect(maps.Keys(want)))
			if err != nil || !maps.Equal(got, want) {
				t.Errorf("%d values of %d, %v", len(got), len(want), err)
			}
		}
		texts.interrupt = func() { read(second) }
		read(first)
		if texts.interrupt != nil {
			t.Error("nothing was read meanwhile")
		}
	})
}

// interruptedTexts does something in the middle of a batch, once.
type interruptedTexts struct {
	codec.Codec[string]
	interrupt func()
}

func (c *interruptedTexts) Decode(w *codec.Wire, v *string) error {
	if do := c.interrupt; do != nil {
		c.interrupt = nil
		do()
	}
	return c.Codec.Decode(w, v)
}
