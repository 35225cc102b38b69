package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// An unlinking server notes the keys that it is to unlink, and refuses commands that name
// certain ones.
type unlinking struct {
	mu      sync.Mutex
	keys    []string
	refused []string
}

// newUnlinking returns such a server, and a store on a client of it that takes it for a
// cluster, or for a server by itself.
func newUnlinking(t *testing.T, clustered bool) (*unlinking, *store.Store) {
	t.Helper()
	env := redistest.Mini(t)
	if err := env.Client.Ping(t.Context()).Err(); err != nil { // there is no server before the first connection
		t.Fatal(err)
	}
	u := new(unlinking)
	env.Mini.Server().SetPreHook(func(c *server.Peer, command string, args ...string) bool {
		if command != "UNLINK" {
			return false
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.keys = append(u.keys, args...)
		if slices.ContainsFunc(args, func(key string) bool { return slices.Contains(u.refused, key) }) {
			c.WriteError("ERR refused")
			return true
		}
		return false
	})
	rdb := env.Client
	if clustered {
		rdb = cluster(&redis.UniversalOptions{
			Addrs: []string{"127.0.0.1:6379"}, Dialer: env.Client.(*redis.Client).Options().Dialer,
		})
		t.Cleanup(func() { _ = rdb.Close() })
	}
	return u, newStore(t, rdb, codec.ShapeString)
}

// refuse forgets what was noted, and names the keys that are refused from now on.
func (u *unlinking) refuse(keys ...string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.keys, u.refused = nil, keys
}

func (u *unlinking) noted() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.keys)
}

// eachUnlinking runs a test on both kinds of clients, for commands that are sent by
// themselves and for those that share pipelines.
func eachUnlinking(t *testing.T, test func(t *testing.T, u *unlinking, s *store.Store, clustered bool)) {
	for _, clustered := range []bool{false, true} {
		for _, shared := range []bool{false, true} {
			t.Run(fmt.Sprintf("clustered %v, shared %v", clustered, shared), func(t *testing.T) {
				u, s := newUnlinking(t, clustered)
				if shared {
					s.ForTests().ManyInFlight()
				}
				test(t, u, s, clustered)
			})
		}
	}
}

// A key of a cluster takes two commands, and a Delete that was refused either of them has
// failed: also where the other one was carried out.
func TestDeleteTellsOfEachCommand(t *testing.T) {
	eachUnlinking(t, func(t *testing.T, u *unlinking, s *store.Store, _ bool) {
		for _, keys := range [][]string{{"a"}, {"a", "b", "c"}} {
			for i, key := range keys {
				for _, refused := range []string{key, rediskey.ControlKey(key)} {
					u.refuse(refused)
					failed := s.Delete(t.Context(), deadline(), keys)
					if len(failed) != 1 || failed[i] == nil || !strings.Contains(failed[i].Error(), "refused") {
						t.Errorf("Delete of %q, %q refused: %v, want an error of key %d", keys, refused, failed, i)
					}
				}
			}
			u.refuse()
			if failed := s.Delete(t.Context(), deadline(), keys); failed != nil {
				t.Errorf("Delete of %q: %v", keys, failed)
			}
		}
	})
}

// An error belongs to its key, also beyond the first round trip.
func TestDeleteNamesTheKeysOfLaterTrips(t *testing.T) {
	u, s := newUnlinking(t, false)
	keys := numbered(2500)
	want := []int{7, 1003, 1999, 2000, 2499}
	var refused []string
	for _, i := range want {
		refused = append(refused, keys[i])
	}
	u.refuse(refused...)
	failed := s.Delete(t.Context(), deadline(), keys)
	if got := slices.Sorted(maps.Keys(failed)); !slices.Equal(got, want) {
		t.Errorf("the keys %v have failed, want %v", got, want)
	}
}

// What the control key permits, a load that stores, must not come after the value's end:
// so a cluster is told of the control key first.
func TestDeleteEndsTheControlKeyFirst(t *testing.T) {
	eachUnlinking(t, func(t *testing.T, u *unlinking, s *store.Store, clustered bool) {
		for _, keys := range [][]string{{"a"}, {"a", "b"}} {
			u.refuse()
			if failed := s.Delete(t.Context(), deadline(), keys); failed != nil {
				t.Fatal(failed)
			}
			var want []string
			for _, key := range keys {
				if clustered {
					want = append(want, rediskey.ControlKey(key), key)
				} else { // one command
					want = append(want, key, rediskey.ControlKey(key))
				}
			}
			if got := u.noted(); !slices.Equal(got, want) {
				t.Errorf("Delete of %q unlinks %q, want %q", keys, got, want)
			}
		}
	})
}

// A hook may keep the error of a command to itself: each command of a Delete is asked.
func TestDeleteAsksEachCommand(t *testing.T) {
	for _, keys := range [][]string{{"a"}, {"a", "b"}} {
		for n := range 2 * len(keys) {
			env := redistest.Mini(t)
			rdb := cluster(&redis.UniversalOptions{
				Addrs: []string{"127.0.0.1:6379"}, Dialer: env.Client.(*redis.Client).Options().Dialer,
			})
			t.Cleanup(func() { _ = rdb.Close() })
			refused := errors.New("refused")
			rdb.AddHook(hook{pipeline: func(ctx context.Context, cmds []redis.Cmder) error {
				p := env.Client.Pipeline()
				_ = p.BatchProcess(ctx, cmds...)
				_, err := p.Exec(ctx)
				cmds[n].SetErr(refused)
				return err
			}})
			failed := newStore(t, rdb, codec.ShapeString).Delete(t.Context(), deadline(), keys)
			if len(failed) != 1 || failed[n/2] != refused {
				t.Errorf("Delete of %q, command %d refused: %v, want an error of key %d", keys, n, failed, n/2)
			}
		}
	}
}

// A silent hook sends nothing and says that all is well.
type silent struct{}

func (silent) DialHook(next redis.DialHook) redis.DialHook { return next }
func (silent) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error { return nil }
}

func (silent) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { return nil }
}

// A delete to which there is no answer has failed, even if a hook keeps the error to itself.
func TestDeleteWithoutAnswer(t *testing.T) {
	env := redistest.Mini(t)
	for name, keys := range map[string][]string{"one": {"k"}, "many": {"k", "l"}} {
		for _, crowded := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", crowded ", crowded), func(t *testing.T) {
				rdb := env.NewClient(t)
				rdb.AddHook(silent{})
				s := newStore(t, rdb, codec.ShapeString)
				if crowded {
					s.ForTests().ManyInFlight()
				}
				if failed := s.Delete(t.Context(), deadline(), keys); len(failed) != len(keys) {
					t.Errorf("failed: %v", failed)
				}
			})
		}
	}
}
