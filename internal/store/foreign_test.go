package store_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// foreign makes key hold a value of a Redis type.
func foreign(t *testing.T, rdb redis.UniversalClient, key, kind string) {
	t.Helper()
	ctx := t.Context()
	err := rdb.Del(ctx, key).Err()
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case "string":
		err = rdb.Set(ctx, key, "foreign", time.Hour).Err()
	case "hash":
		err = rdb.HSet(ctx, key, "foreign", "1").Err()
	case "list":
		err = rdb.RPush(ctx, key, "foreign").Err()
	case "set":
		err = rdb.SAdd(ctx, key, "foreign").Err()
	case "zset":
		err = rdb.ZAdd(ctx, key, redis.Z{Member: "foreign"}).Err()
	case "stream":
		err = rdb.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []string{"foreign", "1"}}).Err()
	}
	if err != nil {
		t.Fatal(err)
	}
}

var foreignTypes = []string{"string", "hash", "list", "set", "zset", "stream"}

// Whatever type a key holds, each kind of put replaces it, and each kind of read
// says that it is no value.
func TestForeignTypes(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		kind := shapeOf(value).String()
		for _, other := range foreignTypes {
			if other == kind {
				continue
			}
			foreign(t, env.Client, "k", other)
			if _, found, err := read(t, s, "k"); found || err != store.ErrWrongType || !store.IsBroken(err) {
				t.Errorf("Read of a %s: %v, %v", other, found, err)
			}
			if e, err := look(t, s, "k"); e.State != store.Missing || err != store.ErrWrongType {
				t.Errorf("Inspect at a %s: %v, %v", other, e.State, err)
			}
			if ok, err := s.Touch(t.Context(), deadline(), "k", time.Hour); ok || err != nil {
				t.Errorf("Touch of a %s: %v, %v", other, ok, err)
			}
			if err := s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour); err != nil {
				t.Errorf("Put over a %s: %v", other, err)
			}
			wantStored(t, env.Client, "k", value)

			env.FlushAll(t)
			foreign(t, env.Client, "k", other)
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", value), time.Hour); !ok || err != nil {
				t.Errorf("PutIfAbsent over a %s: %v, %v", other, ok, err)
			}
			wantStored(t, env.Client, "k", value)

			env.FlushAll(t)
			foreign(t, env.Client, "k", other)
			if err := s.PutAbsent(t.Context(), deadline(), "k", time.Hour); err != nil {
				t.Errorf("PutAbsent over a %s: %v", other, err)
			}
			wantStored(t, env.Client, "k", nil)
			env.FlushAll(t)
		}
	})
}

// Whatever a control key holds, a value counts, and each write ends it.
func TestForeignControlKeys(t *testing.T) {
	eachShape(t, func(t *testing.T, env *redistest.Env, s *store.Store, value content) {
		control := rediskey.ControlKey("k")
		garbage := map[string]func(){
			"lease":  func() { env.Client.Set(t.Context(), control, "L0123456789abcdef", time.Hour) },
			"bytes":  func() { env.Client.Set(t.Context(), control, "\x00\xffN", time.Hour) },
			"empty":  func() { env.Client.Set(t.Context(), control, "", time.Hour) },
			"absent": func() { env.Client.Set(t.Context(), control, "N", time.Hour) },
		}
		for _, kind := range foreignTypes[1:] {
			garbage[kind] = func() { foreign(t, env.Client, control, kind) }
		}
		for name, put := range garbage {
			env.FlushAll(t)
			put()
			if e, err := look(t, s, "k"); err != nil || (e.State != store.Missing) != (name == "absent") {
				t.Errorf("%s: Inspect: %v, %v", name, e.State, err)
			}
			if ok, err := s.Touch(t.Context(), deadline(), "k", time.Hour); ok || err != nil {
				t.Errorf("%s: Touch: %v, %v", name, ok, err)
			}
			if ok, err := s.PutIfAbsent(t.Context(), deadline(), "k", entry("k", value), time.Hour); !ok || err != nil {
				t.Errorf("%s: PutIfAbsent: %v, %v", name, ok, err)
			}
			wantStored(t, env.Client, control, nil)
			put()
			if e, err := look(t, s, "k"); err != nil || e.State != store.Present {
				t.Errorf("%s beside a value: Inspect: %v, %v", name, e.State, err)
			}
			if err := s.Put(t.Context(), deadline(), "k", entry("k", value), time.Hour); err != nil {
				t.Errorf("%s: Put: %v", name, err)
			}
			wantStored(t, env.Client, control, nil)
			put()
			if err := s.PutAbsent(t.Context(), deadline(), "k", time.Hour); err != nil {
				t.Errorf("%s: PutAbsent: %v", name, err)
			}
			wantStored(t, env.Client, control, text("N"))
			put()
			if failed := s.Delete(t.Context(), deadline(), []string{"k"}); failed != nil {
				t.Errorf("%s: Delete: %v", name, failed)
			}
			wantStored(t, env.Client, control, nil)
		}
	})
}
