package cache_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// A call that a load turned away goes on with what is left of its time for Redis.
func TestTurnedAwayWithoutNewPatience(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{RedisTimeout: time.Second})
		wantGet(t, c, "k", nil) // connects
		load, loaded := blocked("old"), make(chan struct{})
		go func() {
			defer close(loaded)
			_, _ = c.GetOrSet(t.Context(), "k", load.loader)
		}()
		<-load.began

		f.slow(400 * time.Millisecond)
		answered := make(chan time.Time)
		go func() {
			v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { return "new", nil })
			want(t, "GetOrSet after a write", v, err, "new")
			answered <- time.Now()
		}()
		time.Sleep(400 * time.Millisecond) // it reads, and waits for the load
		synctest.Wait()
		f.slow(0)
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		f.slow(400 * time.Millisecond)
		time.Sleep(10 * time.Second)
		released := time.Now()
		close(load.release)
		if more := (<-answered).Sub(released); more > 600*time.Millisecond {
			t.Errorf("the call waited %v for Redis after 400ms before, with a RedisTimeout of 1s", more)
		}
		<-loaded
	})
}

// blockedLoad is a loader that tells when it begins and returns when it may.
type blockedLoad struct {
	value          string
	began, release chan struct{}
}

func blocked(v string) blockedLoad {
	return blockedLoad{v, make(chan struct{}), make(chan struct{})}
}

func (b blockedLoad) loader(context.Context, string) (string, error) {
	close(b.began)
	<-b.release
	return b.value, nil
}

// A removal that a write came before is not told as an entry that was refused: there is
// none.
func TestRefusedRemovalIsNoWrite(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		c := open(t, env.Client, cache.Config[string, string]{AbsentTTL: cache.Off, Observer: r.observer()})
		_, err := c.Refresh(t.Context(), "k", func(ctx context.Context, key string) (string, error) {
			if err := c.Delete(ctx, key); err != nil {
				t.Error(err)
			}
			return "", cache.ErrNotFound
		})
		wantError(t, "Refresh", "", err, cache.ErrNotFound)
		key := c.RedisKey("k")
		want(t, "writes", r.take().writes, nil, []cache.WriteEvent{
			{Cache: "test", Op: cache.OpDelete, Key: key},
			{Cache: "test", Op: cache.OpRefresh, Key: key, State: cache.Absent, Outcome: cache.WriteAbsentOff},
		})
		if n := c.Stats().Fenced; n != 0 {
			t.Errorf("%d entries were refused, want none", n)
		}
	})
}

// A call that Close overtakes fails like a later one, and Redis is not blamed.
func TestCloseOvertakesACall(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var r recorder
		var c *cache.Cache[string, string]
		rdb := struct{ redis.UniversalClient }{env.Client} // on goroutines of their own
		c = open(t, rdb, cache.Config[string, string]{Observer: r.observer(), Key: func(dst []byte, key string) []byte {
			_ = c.Close()
			return append(dst, key...)
		}})
		_, _, err := c.Get(t.Context(), "k")
		wantError(t, "Get", "", err, cache.ErrClosed)
		if heard := r.take().errors; len(heard) != 0 || c.Stats().RedisErrors != 0 {
			t.Errorf("the observer heard %v, want nothing", heard)
		}
	})
}

// The failure of a key that is not even equal to itself is no success.
func TestDeleteOfAnUnequalKeyFails(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[float64, string]{Key: func(dst []byte, key float64) []byte {
			return fmt.Append(dst, key)
		}})
		wantGet(t, c, 1, nil) // connects
		env.Mini.SetError("ERR out of order")
		for _, keys := range [][]float64{{math.NaN()}, {math.NaN(), 1}} {
			wantError(t, "Delete", "", c.Delete(t.Context(), keys...), cache.ErrRedis)
		}
		env.Mini.SetError("")
	})
}

// spans is a codec that gives a key as many spans as there are names.
type spans struct {
	shape codec.Shape
	names [][]byte
}

func (s spans) Shape() codec.Shape { return s.shape }

func (s spans) Encode(w *codec.Wire, v *string) error {
	for _, name := range s.names {
		w.Keep(name, append(w.Scratch(), *v...))
	}
	return nil
}

func (s spans) Decode(*codec.Wire, *string) error { return nil }

// What a codec gives a key that cannot hold it is an error, and not a value that
// is loaded for ever because it cannot be read.
func TestSpansThatDoNotFit(t *testing.T) {
	for name, bad := range map[string]spans{
		"no string":        {codec.ShapeString, nil},
		"two strings":      {codec.ShapeString, [][]byte{nil, nil}},
		"a named string":   {codec.ShapeString, [][]byte{[]byte("name")}},
		"a nameless field": {codec.ShapeHash, [][]byte{[]byte("name"), nil}},
		"no score":         {codec.ShapeSortedSet, [][]byte{[]byte("1"), nil}},
		"a named element":  {codec.ShapeList, [][]byte{nil, []byte("name")}},
		"a named member":   {codec.ShapeSet, [][]byte{[]byte("name")}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				c := open(t, env.Client, cache.Config[string, string]{Codec: bad})
				wantError(t, "Set", "", c.Set(t.Context(), "k", "v"), cache.ErrEncode)
				v, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) { return "v", nil })
				wantError(t, "GetOrSet", v, err, cache.ErrEncode)
				if keys := env.Mini.Keys(); len(keys) != 0 {
					t.Errorf("Redis holds %q, want nothing", keys)
				}
			})
		})
	}
}

// An observer that is told of a load may load as well: the load's place is free.
func TestObserverOfALoadMayLoad(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var c *cache.Cache[string, string]
		load := func(_ context.Context, key string) (string, error) { return "of " + key, nil }
		c = open(t, env.Client, cache.Config[string, string]{MaxLoads: 1, Observer: cache.Observer{
			Load: func(ctx context.Context, e cache.LoadEvent) {
				if e.Keys[0] == "test:first" {
					v, err := c.GetOrSet(ctx, "second", load)
					want(t, "GetOrSet of the observer", v, err, "of second")
				}
			},
		}})
		v, err := c.GetOrSet(t.Context(), "first", load)
		want(t, "GetOrSet", v, err, "of first")
	})
}
