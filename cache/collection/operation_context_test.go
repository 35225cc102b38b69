package collection_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/faultnet"
)

// mute returns a client of a server that takes everything and never answers.
func mute(t *testing.T, change func(*redis.Options)) *redis.Client {
	opt := &redis.Options{Addr: "127.0.0.1:6379", Protocol: 2, DisableIdentity: true, MaxRetries: -1, PoolSize: 100}
	opt.Dialer = faultnet.Silent
	change(opt)
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// hook makes a client one that cannot be cloned.
type hook struct{}

func (hook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// clients are the ways in which a client treats contexts.
var clients = map[string]func(t *testing.T) *redis.Client{
	"default": func(t *testing.T) *redis.Client { return mute(t, func(*redis.Options) {}) },
	"heedful": func(t *testing.T) *redis.Client {
		return mute(t, func(o *redis.Options) { o.ContextTimeoutEnabled = true })
	},
	"hooked": func(t *testing.T) *redis.Client {
		rdb := mute(t, func(*redis.Options) {})
		rdb.AddHook(hook{})
		return rdb
	},
}

// eachMethod runs a test in a bubble with a call of every method, and of a pipeline, to a
// server that does not answer.
func eachMethod(t *testing.T, timeout time.Duration, test func(t *testing.T, method string, call call)) {
	for name, open := range clients {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rdb := open(t)
				client.WithoutBreaker(rdb)
				all := methods(t, rdb, timeout)
				cfg := config("list")
				cfg.RedisTimeout = timeout
				l := newList(t, rdb, cfg)
				all["pipeline"] = map[string]call{
					"Exec":       func(ctx context.Context) error { return queued(l).Exec(ctx) },
					"ExecAtomic": func(ctx context.Context) error { return queued(l).ExecAtomic(ctx) },
					"Delete":     func(ctx context.Context) error { return l.Delete(ctx, "k") },
				}
				for kind, methods := range all {
					for method, call := range methods {
						test(t, kind+" "+method, call)
					}
				}
			})
		})
	}
}

func queued(l *collection.List[string, string]) *collection.Pipeline {
	var p collection.Pipeline
	l.In(&p).PushBack("k", "a")
	l.In(&p).Len("k")
	return &p
}

// A caller leaves at its own deadline, at once.
func TestDeadline(t *testing.T) {
	eachMethod(t, time.Minute, func(t *testing.T, method string, call call) {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := call(ctx)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 51*time.Millisecond {
			t.Errorf("%s, after %v: %v", method, took, err)
		}
	})
}

// A call waits for Redis no longer than RedisTimeout.
func TestRedisTimeout(t *testing.T) {
	eachMethod(t, time.Second, func(t *testing.T, method string, call call) {
		began := time.Now()
		err := call(context.Background())
		if took := time.Since(began); !errors.Is(err, cache.ErrRedis) || took > time.Second {
			t.Errorf("%s, after %v: %v", method, took, err)
		}
	})
}

// A caller that has been cancelled leaves at the latest after RedisTimeout, and one that
// had been before asks nothing.
func TestCancelled(t *testing.T) {
	eachMethod(t, time.Second, func(t *testing.T, method string, call call) {
		ctx, cancel := context.WithCancelCause(context.Background())
		cause := errors.New("the reason")
		time.AfterFunc(10*time.Millisecond, func() { cancel(cause) })
		began := time.Now()
		err := call(ctx)
		if took := time.Since(began); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || took > time.Second {
			t.Errorf("%s, after %v: %v", method, took, err)
		}
		began = time.Now()
		if err := call(ctx); !errors.Is(err, context.Canceled) || time.Since(began) > 0 {
			t.Errorf("%s of a context that has ended, after %v: %v", method, time.Since(began), err)
		}
	})
}
