package store_test

import (
	"context"
	"errors"
	"maps"
	"net"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/relay"
	"github.com/asidecache/aside/internal/store"
)

// A hook hears of commands, and may answer in place of Redis.
type hook struct {
	process  func(ctx context.Context, cmd redis.Cmder) error    // nil: let it pass
	pipeline func(ctx context.Context, cmds []redis.Cmder) error // nil: let it pass
	heard    func(cmds ...redis.Cmder)                           // may be nil
}

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if h.heard != nil {
			h.heard(cmd)
		}
		if h.process != nil {
			return h.process(ctx, cmd)
		}
		return next(ctx, cmd)
	}
}

func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if h.heard != nil {
			h.heard(cmds...)
		}
		if h.pipeline != nil {
			return h.pipeline(ctx, cmds)
		}
		return next(ctx, cmds)
	}
}

func TestNewRefuses(t *testing.T) {
	standalone := redis.NewClient(&redis.Options{})
	defer standalone.Close()
	cached := redis.NewClient(&redis.Options{Protocol: 3, ClientSideCacheConfig: &redis.ClientSideCacheConfig{}})
	defer cached.Close()
	ring := redis.NewRing(&redis.RingOptions{})
	defer ring.Close()
	clusters := make(map[string]*redis.ClusterClient)
	for name, o := range map[string]*redis.ClusterOptions{
		"ReadOnly": {ReadOnly: true}, "RouteByLatency": {RouteByLatency: true}, "RouteRandomly": {RouteRandomly: true},
	} {
		clusters[name] = redis.NewClusterClient(o)
		defer clusters[name].Close()
	}
	for name, tt := range map[string]struct {
		rdb   redis.UniversalClient
		shape codec.Shape
		want  string
	}{
		"nil":                 {nil, codec.ShapeString, "the client is nil"},
		"nil Client":          {(*redis.Client)(nil), codec.ShapeString, "the client is nil"},
		"nil ClusterClient":   {(*redis.ClusterClient)(nil), codec.ShapeHash, "the client is nil"},
		"client-side caching": {cached, codec.ShapeString, "ClientSideCacheConfig"},
		"Ring":                {ring, codec.ShapeString, "redis.Ring"},
		"ReadOnly":            {clusters["ReadOnly"], codec.ShapeString, "reads from replicas"},
		"RouteByLatency":      {clusters["RouteByLatency"], codec.ShapeString, "reads from replicas"},
		"RouteRandomly":       {clusters["RouteRandomly"], codec.ShapeString, "reads from replicas"},
		"unknown shape":       {standalone, 99, "shape is 99"},
	} {
		if s, err := store.New(tt.rdb, tt.shape, time.Second); err == nil || s != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, tt.want)
		}
	}
}

// The user's client stays as it is, and open. The store works on its connections
// and through its hooks.
func TestTheClientStaysAsItIs(t *testing.T) {
	for _, heeds := range []bool{false, true} {
		redistest.Each(t, func(t *testing.T, env *redistest.Env) {
			var u usage
			rdb := env.NewClient(t, u.of, func(o *redis.UniversalOptions) {
				o.ReadTimeout, o.WriteTimeout, o.ContextTimeoutEnabled = 41*time.Second, 43*time.Second, heeds
			})
			rdb.AddHook(hook{heard: u.hear})
			if err := rdb.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			before := options(rdb)
			s, err := store.New(rdb, codec.ShapeString, longTimeout)
			if err != nil {
				t.Fatal(err)
			}
			if _, found, err := read(t, s, "k"); found || err != nil {
				t.Fatal(found, err)
			}
			if failed := s.Delete(t.Context(), deadline(), []string{"k"}); failed != nil {
				t.Fatal(failed)
			}
			s.Close()
			if after := options(rdb); !maps.Equal(before, after) {
				t.Errorf("the client's options were %v and are %v", before, after)
			}
			if err := rdb.Ping(t.Context()).Err(); err != nil {
				t.Errorf("the client after the store is closed: %v", err)
			}
			commands, dials := u.total()
			if commands != "ping get unlink ping" {
				t.Errorf("the hook heard of %s", commands)
			}
			if env.Topology == redistest.Standalone && dials != 1 {
				t.Errorf("%d connections were made, want one that is shared", dials)
			}
		})
	}
}

// usage is what a client is used for.
type usage struct {
	mu       sync.Mutex
	commands []string // save those that go-redis itself sends
	dials    int
}

func (u *usage) of(o *redis.UniversalOptions) {
	o.PipelinePoolSize = -1 // one pool for all
	dial := o.Dialer
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.dials++
		return dial(ctx, network, addr)
	}
}

func (u *usage) hear(cmds ...redis.Cmder) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, cmd := range cmds {
		if name := cmd.Name(); name != "hello" && name != "client" {
			u.commands = append(u.commands, name)
		}
	}
}

func (u *usage) total() (commands string, dials int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return strings.Join(slices.Compact(u.commands), " "), u.dials
}

// options are the options of a client, as far as they can be compared.
func options(rdb redis.UniversalClient) map[string]any {
	o := reflect.ValueOf(rdb).MethodByName("Options").Call(nil)[0].Elem()
	m := make(map[string]any)
	for i := range o.NumField() {
		if f := o.Type().Field(i); f.IsExported() && f.Type.Comparable() {
			m[f.Name] = o.Field(i).Interface()
		}
	}
	return m
}

// A hook sees a read as it would see one of the program itself.
func TestHooksSeeKeys(t *testing.T) {
	for _, open := range clients {
		t.Run(open.name, func(t *testing.T) {
			env := redistest.Mini(t)
			rdb := open.open(&redis.UniversalOptions{
				Addrs: []string{"127.0.0.1:6379"}, Dialer: env.Client.(*redis.Client).Options().Dialer,
			})
			defer rdb.Close()
			var keys []any
			rdb.AddHook(hook{heard: func(cmds ...redis.Cmder) {
				for _, cmd := range cmds {
					if cmd.Name() == "get" {
						keys = append(keys, cmd.Args()[1])
					}
				}
			}})
			s, err := store.New(rdb, codec.ShapeString, longTimeout)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := read(t, s, "k"); err != nil {
				t.Fatal(err)
			}
			if len(keys) != 1 || keys[0] != "k" {
				t.Errorf("the hook saw %#v, want one \"k\"", keys)
			}
		})
	}
}

// A hook that panics does so in the caller, whatever goroutine it was called on.
func TestHooksThatPanic(t *testing.T) {
	for _, open := range clients {
		t.Run(open.name, func(t *testing.T) {
			env := redistest.Mini(t)
			rdb := open.open(&redis.UniversalOptions{
				Addrs: []string{"127.0.0.1:6379"}, Dialer: env.Client.(*redis.Client).Options().Dialer,
			})
			defer rdb.Close()
			rdb.AddHook(hook{process: func(context.Context, redis.Cmder) error { panic("oh") }})
			s, err := store.New(rdb, codec.ShapeString, longTimeout)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			defer func() {
				if r := recover(); r != "oh" {
					t.Errorf("the caller recovers %v, want the hook's panic", r)
				}
			}()
			_, _, _ = read(t, s, "k")
		})
	}
}

// The same of a write that waits for replicas: the process goes on, and nobody takes it for done.
func TestHooksThatPanicAtAReplicatedWrite(t *testing.T) {
	for name, do := range map[string]func(){"panics": func() { panic("oh") }, "leaves": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			rdb := redistest.Mini(t).NewClient(t)
			rdb.AddHook(hook{pipeline: func(context.Context, []redis.Cmder) error { do(); return nil }})
			s := newStore(t, rdb, codec.ShapeString)
			if err := s.WaitForReplicas(1); err != nil {
				t.Fatal(err)
			}
			var err error
			crash := make(chan *relay.Crash)
			go relay.Catch(func() {
				err = s.Delete(t.Context(), deadline(), []string{"k"})[0]
			}, func(c *relay.Crash) { crash <- c })
			if c := <-crash; c.IsPanic() != (name == "panics") || c == nil && err == nil {
				t.Errorf("the caller gets the crash %v, and the error %v", c, err)
			}
		})
	}
}

// A hook that does not let commands pass is believed, whatever its manners.
func TestHooksThatRefuse(t *testing.T) {
	for _, open := range clients {
		t.Run(open.name, func(t *testing.T) {
			env := redistest.Mini(t)
			refusal := errors.New("refused")
			rdb := open.open(&redis.UniversalOptions{
				Addrs: []string{"127.0.0.1:6379"}, Dialer: env.Client.(*redis.Client).Options().Dialer,
			})
			defer rdb.Close()
			rdb.AddHook(hook{
				process:  func(context.Context, redis.Cmder) error { return refusal },
				pipeline: func(context.Context, []redis.Cmder) error { return refusal },
			})
			client.WithoutBreaker(rdb)
			s, err := store.New(rdb, codec.ShapeString, longTimeout)
			if err != nil {
				t.Fatal(err)
			}
			for name, call := range calls {
				if err := call(t.Context(), s, deadline()); !errors.Is(err, refusal) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}
