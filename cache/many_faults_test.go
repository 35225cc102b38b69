package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// The memory of a call that Redis had failed was used again by calls that it answers,
// which then went on without it and stored nothing.
func TestManyWithoutRedisIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		var l ledger
		keys := make([]string, 32)
		for i := range keys {
			keys[i] = fmt.Sprint("lost", i)
		}
		f.refuse(true)
		got, err := c.GetOrSetMany(t.Context(), keys, l.many)
		wantKeys(t, "GetOrSetMany without Redis", got, err, keys...)
		f.refuse(false)
		for i := range 8 {
			key := fmt.Sprint("k", i)
			_, err := c.GetOrSet(t.Context(), key, l.one)
			if stored := env.Client.Get(t.Context(), "test:"+key).Val(); err != nil || stored != "v"+key {
				t.Errorf("Redis holds %q after the load of %q: %v", stored, key, err)
			}
		}
		time.Sleep(time.Minute) // until the client has given up to connect
	})
}

// A batch that waits for a place under MaxLoads had found some of its keys, and asked for
// these again when it had the place: one that was gone by then was loaded.
func TestManyUnderMaxLoadsKeepsWhatItHasFound(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{MaxLoads: 1})
		release := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = c.GetOrSet(t.Context(), "long", func(context.Context, string) (string, error) { <-release; return "v", nil })
		})
		synctest.Wait()
		env.Client.Set(t.Context(), control("test:absent"), "N", time.Hour)
		var l ledger
		wg.Go(func() {
			got, err := c.GetOrSetMany(t.Context(), []string{"absent", "a"}, l.many)
			wantKeys(t, "GetOrSetMany", got, err, "a")
		})
		synctest.Wait()
		env.Client.Del(t.Context(), control("test:absent"))
		close(release)
		wg.Wait()
		l.wantOnce(t, 1, "a")
		if l.loads["absent"] != 0 {
			t.Error("a key was loaded that the batch had found to be absent")
		}
	})
}

// exitHook ends the goroutine of the n-th command of a name from when it is armed.
type exitHook struct {
	redis.Hook
	name string
	left atomic.Int64
}

func (h *exitHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *exitHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (h *exitHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == h.name && h.left.Add(-1) == 0 {
			runtime.Goexit()
		}
		return next(ctx, cmd)
	}
}

// A hook of the client ended the goroutine that waited for another's load, and the zero
// value was returned for its key.
func TestManyHookExitsInAWait(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		h := &exitHook{name: "mget"}
		h.left.Store(2) // the read, then the first look at the other's lease
		rdb := env.NewClient(t, func(o *redis.UniversalOptions) { o.ContextTimeoutEnabled = true })
		rdb.AddHook(h)
		c := open(t, rdb, cache.Config[string, string]{})
		env.Client.Set(t.Context(), control("test:a"), "L0123456789abcdef", 2*time.Second)
		l := ledger{takes: time.Second}
		got, err := c.GetOrSetMany(t.Context(), []string{"a", "b"}, l.many)
		wantKeys(t, "GetOrSetMany", got, err, "a", "b")
		if left := h.left.Load(); left > 0 {
			t.Errorf("the hook was still to see %d commands", left)
		}
	})
}

// Without leases an observer that deletes what it hears of waited for the batch, which
// waited for the observer.
func TestManyObserverWrites(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var c *cache.Cache[string, string]
		c = open(t, env.Client, cache.Config[string, string]{Lease: cache.Off, Observer: cache.Observer{
			Write: func(ctx context.Context, e cache.WriteEvent) {
				if e.Op == cache.OpDelete {
					return
				}
				if err := c.Delete(ctx, "a", "b"); err != nil {
					t.Errorf("Delete by the observer: %v", err)
				}
			},
		}})
		var l ledger
		got, err := c.GetOrSetMany(t.Context(), []string{"a", "b"}, l.many)
		wantKeys(t, "GetOrSetMany", got, err, "a", "b")
	})
}

// The same for what is not stored: the observer heard of it when the others' stores were
// announced, and not yet sent.
func TestManyObserverWritesWhenSomeAreNotStored(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var c *cache.Cache[string, string]
		c = open(t, env.Client, cache.Config[string, string]{Lease: cache.Off, AbsentTTL: cache.Off, Observer: cache.Observer{
			Write: func(ctx context.Context, e cache.WriteEvent) {
				if e.Op == cache.OpDelete {
					return
				}
				if err := c.Delete(ctx, "a", "b", "c"); err != nil {
					t.Errorf("Delete by the observer of %v: %v", e.Outcome, err)
				}
			},
		}})
		began := time.Now()
		got, err := c.GetOrSetMany(t.Context(), []string{"a", "b", "c"}, func(ctx context.Context, keys []string) (map[string]string, error) {
			return map[string]string{"a": "va", "b": "vb"}, c.Delete(ctx, "b") // so that b is fenced
		})
		want(t, "GetOrSetMany", got, err, map[string]string{"a": "va", "b": "vb"})
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// Redis hangs when the leases of broken entries have been granted: they were given back
// one by one, each as if Redis had the whole of RedisTimeout.
func TestManyHangingRedisIsWaitedForOnce(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, int]{OnRedisError: cache.Fail})
		keys := []string{"a", "b", "c"}
		for _, key := range keys {
			env.Client.Set(t.Context(), "test:"+key, "no number", 0)
		}
		var reads atomic.Int64
		f.delay(func(command string) time.Duration {
			if command == "MGET" {
				reads.Add(1)
			}
			if reads.Load() > 1 {
				return time.Hour
			}
			return 0
		}, nil)
		began := time.Now()
		_, err := c.GetOrSetMany(t.Context(), keys, func(context.Context, []string) (map[string]int, error) {
			t.Error("a load began")
			return nil, nil
		})
		some, _ := err.(*cache.BatchError[string])
		if some == nil || len(some.Errs) != len(keys) || !errors.Is(err, cache.ErrRedis) {
			t.Errorf("error %v, want one of Redis for each key", err)
		}
		if took := time.Since(began); took > 1100*time.Millisecond {
			t.Errorf("it took %v, more than RedisTimeout", took)
		}
		f.delay(nil, nil)
	})
}

// The leases of keys whose loads failed are given back before the others' values are
// stored: a Redis that hangs was waited for in both.
func TestManyHangingRedisAfterALoad(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		f := newFaults(t, env)
		c := open(t, f.client(t), cache.Config[string, string]{})
		var loaded time.Time
		got, err := c.GetOrSetMany(t.Context(), []string{"a", "b"}, func(context.Context, []string) (map[string]string, error) {
			f.freeze()
			loaded = time.Now()
			return map[string]string{"a": "va"}, &loader.BatchError[string]{Errs: map[string]error{"b": errSource}}
		})
		if !errors.Is(err, errSource) || got["a"] != "va" {
			t.Errorf("GetOrSetMany = %q, %v", got, err)
		}
		if took := time.Since(loaded); took > 1100*time.Millisecond {
			t.Errorf("it took %v after the load, more than RedisTimeout", took)
		}
		f.thaw()
	})
}

// Leases that a write or a lost answer leaves to be given back later are given back
// together: each took a goroutine and a command of its own.
func TestManyGivesLeasesBackTogether(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		var sent sentCommands
		rdb := env.NewClient(t)
		rdb.AddHook(&sent)
		c := open(t, rdb, cache.Config[string, string]{})
		keys := make([]string, 100)
		for i := range keys {
			keys[i] = fmt.Sprint("k", i)
		}
		_, err := c.GetOrSetMany(t.Context(), keys, func(ctx context.Context, keys []string) (map[string]string, error) {
			err := c.Delete(ctx, keys...)
			return make(map[string]string), err
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if single := sent.count("evalsha"); single > 1 {
			t.Errorf("%d scripts were sent by themselves", single)
		}
	})
}

// sentCommands notes the commands that are sent by themselves.
type sentCommands struct {
	redis.Hook
	mu    sync.Mutex
	names []string
}

func (h *sentCommands) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *sentCommands) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (h *sentCommands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.mu.Lock()
		h.names = append(h.names, cmd.Name())
		h.mu.Unlock()
		return next(ctx, cmd)
	}
}

func (h *sentCommands) count(name string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, sent := range h.names {
		if sent == name {
			n++
		}
	}
	return n
}
