package collection_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/redistest"
)

// A Redis that refuses connections costs a call a part of RedisTimeout, and the error says
// that it refuses them.
func TestRefusedConnections(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 6379}, Err: errors.New("connection refused")}
	synctest.Test(t, func(t *testing.T) {
		rdb := redis.NewClient(&redis.Options{
			DialerRetries: 50, PoolSize: 1000,
			Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, refused },
		})
		client.WithoutBreaker(rdb)
		for kind, calls := range methods(t, rdb, time.Second) {
			for name, call := range calls {
				began := time.Now()
				err := call(t.Context())
				if took := time.Since(began); took > time.Second/2 {
					t.Errorf("%s %s: it returned after %v", kind, name, took)
				}
				want := "redis failed: dial tcp 10.0.0.5:6379: connection refused"
				if !errors.Is(err, cache.ErrRedis) || !errors.Is(err, refused) || !strings.HasSuffix(err.Error(), want) {
					t.Errorf("%s %s: %v, want one that ends with %q", kind, name, err, want)
				}
			}
		}
		_ = rdb.Close()
		time.Sleep(time.Minute) // the client gives up to connect
	})
}

func TestErrorsNameTheSizeOfALargeValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := redistest.Mini(t)
		if err := env.Client.Ping(t.Context()).Err(); err != nil { // starts the server
			t.Fatal(err)
		}
		client.WithoutBreaker(env.Client)
		cfg := config("list")
		cfg.RedisTimeout = time.Second
		l := newList(t, env.Client, cfg)
		hc := hashConfig()
		hc.RedisTimeout = time.Second
		h := newHash(t, env.Client, hc)
		speak := make(chan struct{})
		env.Mini.Server().SetPreHook(func(*server.Peer, string, ...string) bool {
			<-speak
			return false
		})
		large := person{Name: strings.Repeat("n", 2<<20)}
		elems := []string{strings.Repeat("a", 1<<20), strings.Repeat("b", 1<<20)}
		for name, call := range map[string]func(ctx context.Context) error{
			"PushBack": func(ctx context.Context) error { _, err := l.PushBack(ctx, "k", elems...); return err },
			"PushBack in a pipeline": func(ctx context.Context) error {
				var p collection.Pipeline
				l.In(&p).PushBack("k", elems...)
				return p.Exec(ctx)
			},
			"Store": func(ctx context.Context) error { return h.Store(ctx, "k", large) },
			"Store in a pipeline": func(ctx context.Context) error {
				var p collection.Pipeline
				h.In(&p).Store("k", large)
				return p.Exec(ctx)
			},
		} {
			want := "redis failed: no answer within RedisTimeout, 1s, for a value of 2 MB"
			if err := call(t.Context()); err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s: %v, want one that ends with %q", name, err, want)
			}
		}
		close(speak)
		time.Sleep(time.Hour)
	})
}
