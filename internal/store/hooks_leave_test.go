package store_test

import (
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// eachLeaving runs a test with clients one of whose hooks ends the goroutine of the first command
// of a name that leave was called with.
func eachLeaving(t *testing.T, test func(t *testing.T, env *redistest.Env, n *faultnet.Network, rdb redis.UniversalClient, leave func(name string))) {
	for name, synchronous := range map[string]bool{"on its goroutine": true, "on another": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env, n := redistest.Mini(t), new(faultnet.Network)
				rdb := env.NewClient(t, n.Through, func(o *redis.UniversalOptions) {
					o.ContextTimeoutEnabled = synchronous
				})
				names := make(chan string, 1)
				rdb.AddHook(hook{heard: func(cmds ...redis.Cmder) {
					select {
					case name := <-names:
						if cmds[0].Name() == name {
							runtime.Goexit()
						}
						names <- name
					default:
					}
				}})
				test(t, env, n, rdb, func(name string) { names <- name })
				if len(names) > 0 {
					t.Error("there was no such command")
				}
			})
		})
	}
}

// What sends deletes until one is acknowledged goes on when a hook ends its goroutine.
func TestDeliveryOutlivesAHookThatLeaves(t *testing.T) {
	eachLeaving(t, func(t *testing.T, env *redistest.Env, _ *faultnet.Network, rdb redis.UniversalClient, leave func(string)) {
		if err := env.Client.Set(t.Context(), "k", "old", 0).Err(); err != nil {
			t.Fatal(err)
		}
		s := newStore(t, rdb, codec.ShapeString)
		leave("unlink")
		s.Redeliver("k", store.FailedWrite{
			Cause: errors.New("no answer"), Lasts: time.Hour, Tell: func(store.Delivery) {},
		})
		time.Sleep(time.Minute)
		if n := s.Awaiting(); n > 0 || env.Mini.Exists("k") {
			t.Errorf("%d deletes are not delivered", n)
		}
	})
}

// What probes a server whose breaker is open goes on when a hook ends its goroutine.
func TestProbesOutliveAHookThatLeaves(t *testing.T) {
	eachLeaving(t, func(t *testing.T, env *redistest.Env, n *faultnet.Network, rdb redis.UniversalClient, leave func(string)) {
		s := newStore(t, rdb, codec.ShapeString)
		read := func() error {
			_, err := s.Read(t.Context(), "k", new(store.Entry), time.Now())
			return err
		}
		if err := read(); err != nil {
			t.Fatal(err)
		}
		n.Refuse(true)
		for range 20 {
			if store.IsOpen(read()) {
				break
			}
		}
		if err := read(); !store.IsOpen(err) {
			t.Fatalf("the breaker is closed: %v", err)
		}
		leave("exists")
		time.Sleep(10 * time.Second)
		n.Refuse(false)
		time.Sleep(time.Minute)
		if err := read(); err != nil {
			t.Errorf("Read a minute after Redis has come back: %v", err)
		}
	})
}
