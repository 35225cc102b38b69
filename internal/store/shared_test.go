package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// Scripts and writes of many callers, which share pipelines and commands: each gets the
// answer that is its own, and does what it does alone.
func TestSharedScripts(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, shape := range []codec.Shape{codec.ShapeString, codec.ShapeHash} {
			s := newStore(t, env.NewClient(t), shape)
			env.FlushAll(t)
			value := func(key string) *store.Entry {
				if shape == codec.ShapeString {
					return entry(key, text("of "+key))
				}
				return entry(key, content{"f": "of " + key})
			}
			acquire := func(key string) (store.Acquired, error) {
				return s.Acquire(t.Context(), deadline(), key, time.Minute, false)
			}
			stand := func(key string, write func() error) string {
				if err := write(); err != nil {
					t.Fatal(key, err)
				}
				return key
			}
			holds := func(key string) string {
				e := new(store.Entry)
				if err := s.Inspect(t.Context(), deadline(), key, e, false); err != nil {
					return err.Error()
				}
				switch {
				case e.State == store.Absent:
					return "absent"
				case e.State == store.Missing:
					return "nothing"
				case e.Wire.Len() == 0:
					return "empty"
				}
				return string(e.Wire.Value(0))
			}
			ways := map[string]func(key string) (got, want string){
				"load": func(key string) (string, string) {
					c, err := acquire(key)
					if err != nil || c.Status != store.Granted {
						return fmt.Sprint(c.Status, err), "a lease"
					}
					stored, err := c.Lease.Store(t.Context(), deadline(), value(key), time.Hour)
					return fmt.Sprint(stored, err, holds(key)), fmt.Sprint(true, error(nil), "of "+key)
				},
				"load in vain": func(key string) (string, string) {
					c, err := acquire(key)
					if err != nil || c.Status != store.Granted {
						return fmt.Sprint(c.Status, err), "a lease"
					}
					failed := s.Delete(t.Context(), deadline(), []string{key})
					stored, err := c.Lease.Store(t.Context(), deadline(), value(key), time.Hour)
					return fmt.Sprint(failed, stored, err, holds(key)), fmt.Sprint(map[int]error(nil), false, error(nil), "nothing")
				},
				"a value": func(key string) (string, string) {
					stand(key, func() error { return s.Put(t.Context(), deadline(), key, value(key), time.Hour) })
					c, err := acquire(key)
					return fmt.Sprint(c.Status, err, holds(key)), fmt.Sprint(store.HasValue, error(nil), "of "+key)
				},
				"a value that comes with the answer": func(key string) (string, string) {
					long := strings.Repeat("x", 16<<10)
					e, want := entry(key, text(long)), long
					if shape == codec.ShapeHash {
						e, want = entry(key, content{"f": long}), ""
					}
					stand(key, func() error { return s.Put(t.Context(), deadline(), key, e, time.Hour) })
					c, err := acquire(key)
					return fmt.Sprint(c.Status, err, string(c.Value)), fmt.Sprint(store.HasValue, error(nil), want)
				},
				"absent": func(key string) (string, string) {
					stand(key, func() error { return s.PutAbsent(t.Context(), deadline(), key, time.Hour) })
					c, err := acquire(key)
					return fmt.Sprint(c.Status, err, holds(key)), fmt.Sprint(store.HasAbsence, error(nil), "absent")
				},
				"leased": func(key string) (string, string) {
					first, _ := acquire(key)
					second, err := acquire(key)
					held, released := first.Lease.Release(t.Context(), deadline())
					return fmt.Sprint(second.Status, err, held, released, holds(key)), fmt.Sprint(store.Busy, error(nil), true, error(nil), "nothing")
				},
				"put if absent": func(key string) (string, string) {
					first, err := s.PutIfAbsent(t.Context(), deadline(), key, value(key), time.Hour)
					second, again := s.PutIfAbsent(t.Context(), deadline(), key, value("another"), time.Hour)
					return fmt.Sprint(first, err, second, again, holds(key)), fmt.Sprint(true, error(nil), false, error(nil), "of "+key)
				},
				"touch": func(key string) (string, string) {
					none, err := s.Touch(t.Context(), deadline(), key, time.Hour)
					stand(key, func() error { return s.Put(t.Context(), deadline(), key, value(key), time.Minute) })
					done, again := s.Touch(t.Context(), deadline(), key, 3*time.Hour)
					e := new(store.Entry)
					looked := s.Inspect(t.Context(), deadline(), key, e, true)
					return fmt.Sprint(none, err, done, again, looked, e.TTL > 2*time.Hour), fmt.Sprint(false, error(nil), true, error(nil), error(nil), true)
				},
				"large": func(key string) (string, string) {
					large := strings.Repeat("x", 100<<10)
					e := entry(key, text(large))
					if shape == codec.ShapeHash {
						e = entry(key, content{"f": large})
					}
					stand(key, func() error { return s.Put(t.Context(), deadline(), key, e, time.Hour) })
					return holds(key), large
				},
			}
			s.ForTests().ManyInFlight()
			var callers sync.WaitGroup
			for name, way := range ways {
				for i := range 20 {
					callers.Go(func() {
						if got, want := way(fmt.Sprint(name, i)); got != want {
							t.Errorf("%v, %s: %.80s, want %.80s", shape, name, got, want)
						}
					})
				}
			}
			callers.Wait()
		}
	})
}

// Of many callers that ask for the same, one command asks Redis, where no slots are in the
// way; also when Redis does not know its script yet.
func TestScriptsInOneCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := redistest.Mini(t)
		rdb := env.NewClient(t)
		if err := rdb.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		s := newStore(t, rdb, codec.ShapeString)
		s.ForTests().ManyInFlight()
		for _, name := range []string{"unknown", "known"} {
			asked, speak := new(requests), make(chan struct{})
			env.Mini.Server().SetPreHook(func(_ *server.Peer, command string, args ...string) bool {
				asked.note(command, args)
				<-speak
				return false
			})
			var callers sync.WaitGroup
			put := func(key string) {
				callers.Go(func() {
					if err := s.Put(t.Context(), deadline(), key, entry(key, text("of "+key)), time.Hour); err != nil {
						t.Error(err)
					}
				})
			}
			put(name)
			synctest.Wait() // it is on its way
			for i := range 9 {
				put(fmt.Sprint(name, i))
			}
			synctest.Wait() // they are in the next batch
			close(speak)
			callers.Wait()
			env.Mini.Server().SetPreHook(nil)
			var scripts []string
			for _, request := range asked.all {
				if strings.HasPrefix(request[0], "EVAL") {
					scripts = append(scripts, request[0]+" "+request[2])
				}
			}
			want := []string{"EVALSHA 2", "EVALSHA 18"} // keys
			if name == "unknown" {
				want = []string{"EVALSHA 2", "EVALSHA 2", "EVALSHA 18", "EVALSHA 18"}
			}
			if !slices.Equal(scripts, want) {
				t.Errorf("%s: %q, want %q", name, scripts, want)
			}
			for i := range 9 {
				key := fmt.Sprint(name, i)
				if got, err := rdb.Get(t.Context(), key).Result(); got != "of "+key || err != nil {
					t.Errorf("%s holds %q, %v", key, got, err)
				}
			}
		}
	})
}

// A client that may not run scripts can write all the same, by itself.
func TestSharedWriteWithoutScripts(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			return // it knows no rights
		}
		ctx := t.Context()
		env.FlushAll(t)
		permit := func(ctx context.Context, c *redis.Client) error {
			return c.Do(ctx, "acl", "setuser", "unscripted", "on", "nopass", "~*", "&*", "+@all", "-@scripting").Err()
		}
		if cluster, ok := env.Client.(*redis.ClusterClient); ok {
			if err := cluster.ForEachMaster(ctx, permit); err != nil {
				t.Fatal(err)
			}
		} else if err := permit(ctx, env.Client.(*redis.Client)); err != nil {
			t.Fatal(err)
		}
		s := newStore(t, env.NewClient(t, func(o *redis.UniversalOptions) { o.Username, o.Password = "unscripted", "x" }), codec.ShapeString)
		s.ForTests().ManyInFlight()
		var callers sync.WaitGroup
		for i := range 20 {
			key := fmt.Sprint("k", i)
			callers.Go(func() {
				err := errors.Join(
					s.Put(ctx, deadline(), key, entry(key, text("v")), time.Hour),
					s.PutAbsent(ctx, deadline(), key+" absent", time.Hour),
				)
				v, found, readErr := read(t, s, key)
				if !found || v[""] != "v" || errors.Join(err, readErr) != nil {
					t.Errorf("%s: %q, %v, %v", key, v, err, readErr)
				}
			})
		}
		callers.Wait()
	})
}
