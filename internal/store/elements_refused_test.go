package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// A write of elements that a hook does not let pass has the hook's error, however it is sent.
func TestElementsThatAHookRefuses(t *testing.T) {
	for _, n := range []int{1, 10_001} {
		rdb := redistest.Mini(t).NewClient(t)
		refusal := errors.New("not today")
		refuses := func(context.Context, []redis.Cmder) error { return refusal }
		rdb.AddHook(hook{pipeline: refuses, process: func(context.Context, redis.Cmder) error { return refusal }})
		s := newStore(t, rdb, codec.ShapeList)
		r := new(store.Request)
		r.Reset(codec.ShapeList)
		r.Write(s, "list", store.Rules{Life: time.Hour}).Command("rpush", 0, 1)
		for range n {
			r.Arg("v")
		}
		if err := s.Do(t.Context(), r, time.Now()); !errors.Is(err, refusal) {
			t.Errorf("with %d elements: %v", n, err)
		}
	}
}
