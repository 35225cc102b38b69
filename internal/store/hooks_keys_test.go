package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// Hooks, such as those that trace, find the keys of reads as strings.
func TestHooksFindKeys(t *testing.T) {
	for name, ttls := range map[string]bool{"values": false, "values and TTLs": true} {
		t.Run(name, func(t *testing.T) {
			env := redistest.Mini(t)
			rdb := env.NewClient(t)
			found := make(map[string]bool) // by the text of each argument
			rdb.AddHook(hook{heard: func(cmds ...redis.Cmder) {
				for _, cmd := range cmds {
					for _, arg := range cmd.Args() {
						switch arg := arg.(type) {
						case *string:
							t.Errorf("%s has the address of %q", cmd.Name(), *arg)
						case string:
							found[arg] = true
						}
					}
				}
			}})
			s := newStore(t, rdb, codec.ShapeString)
			if ttls {
				s.ReadTTLs(true)
			}
			_, err := s.Read(t.Context(), "read", new(store.Entry), time.Now())
			err = errors.Join(err, s.Probe(t.Context(), deadline(), "probe", new(store.Entry)))
			all := []*store.Entry{{}, {}}
			err = errors.Join(append(s.ReadAll(t.Context(), deadline(), []string{"a", "b"}, all), err)...)
			err = errors.Join(append(s.ProbeAll(t.Context(), deadline(), []string{"c", "d"}, all), err)...)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"read", "probe", "a", "b", "c", "d"} {
				if !found[key] {
					t.Errorf("no hook has found the key %q", key)
				}
			}
		})
	}
}
