package cache_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

type (
	firstUser  struct{ ID, Rank int }
	secondUser struct{ Number, Place int }
)

// made is what New says of a cache, which is closed again.
func made[K comparable, V any](rdb redis.UniversalClient, cfg cache.Config[K, V]) error {
	cfg.TTL = time.Hour
	c, err := cache.New(rdb, cfg)
	if err == nil {
		err = c.Close()
	}
	return err
}

// Two types of one Name do not read each other's values as zeros.
func TestOneNameOneType(t *testing.T) {
	env := redistest.Mini(t)
	first := open(t, env.Client, cache.Config[int, firstUser]{Name: "user"})
	if err := first.Set(t.Context(), 1, firstUser{1, 2}); err != nil {
		t.Fatal(err)
	}
	second, err := cache.New(env.Client, cache.Config[int, secondUser]{Name: "user", TTL: time.Hour})
	if err == nil {
		v, err := second.GetOrSet(t.Context(), 1, func(context.Context, int) (secondUser, error) { return secondUser{3, 4}, nil })
		t.Errorf("GetOrSet = %v, %v, which nobody has stored", v, err)
	}
}

// What New compares are the types of values and codecs, of caches of one Name, Version and
// client.
func TestOneNameComparisons(t *testing.T) {
	env := redistest.Mini(t)
	rdb := env.Client
	open(t, rdb, cache.Config[int, firstUser]{Name: "user", Version: 2, Codec: codec.JSON[firstUser]()})
	json := codec.JSON[firstUser]()
	for _, tt := range []struct {
		name    string
		err     error
		refused bool
	}{
		{"alike", made(rdb, cache.Config[int, firstUser]{Name: "user", Version: 2, Codec: json}), false},
		{"other settings", made(rdb, cache.Config[int, firstUser]{Name: "user", Version: 2, Codec: json, Lease: cache.Off, MaxLoads: 1}), false},
		{"another type of keys", made(rdb, cache.Config[string, firstUser]{Name: "user", Version: 2, Codec: json}), false},
		{"another type of values", made(rdb, cache.Config[int, secondUser]{Name: "user", Version: 2, Codec: codec.JSON[secondUser]()}), true},
		{"a pointer", made(rdb, cache.Config[int, *firstUser]{Name: "user", Version: 2, Codec: codec.JSON[*firstUser]()}), true},
		{"the default codec", made(rdb, cache.Config[int, firstUser]{Name: "user", Version: 2}), true},
		{"a codec around it", made(rdb, cache.Config[int, firstUser]{Name: "user", Version: 2, Codec: codec.Compress(json, codec.S2, 1)}), true},
		{"a hash", made(rdb, cache.Config[int, firstUser]{Name: "user", Version: 2, Codec: hashmap.MustOf[firstUser]()}), true},
		{"another name", made(rdb, cache.Config[int, string]{Name: "users", Version: 2}), false},
		{"another version", made(rdb, cache.Config[int, string]{Name: "user", Version: 3}), false},
		{"no version", made(rdb, cache.Config[int, string]{Name: "user"}), false},
		{"another client", made(env.NewClient(t), cache.Config[int, string]{Name: "user", Version: 2}), false},
	} {
		const says = `Name "user" with Version 2 belongs on this client to a cache of cache_test.firstUser`
		if (tt.err != nil) != tt.refused || tt.refused && !strings.Contains(tt.err.Error(), says) {
			t.Errorf("%s: %v, want it to be refused: %v", tt.name, tt.err, tt.refused)
		}
	}
}

// Close gives the Name back, once, and when the last cache has left it.
func TestOneNameAfterClose(t *testing.T) {
	rdb := unused(t)
	first := open(t, rdb, cache.Config[int, string]{Name: "user"})
	again := open(t, rdb, cache.Config[int, string]{Name: "user"})
	number := cache.Config[int, int]{Name: "user"}
	for range 2 {
		_ = first.Close()
		if err := made(rdb, number); err == nil {
			t.Error("another type is not refused while one of two caches is open")
		}
	}
	_ = again.Close()
	open(t, rdb, number)
	_ = first.Close()
	if err := made(rdb, cache.Config[int, string]{Name: "user"}); err == nil {
		t.Error("a cache that was closed before has left for another")
	}
}

// While a load runs that may still be stored, Close has not given the Name back.
func TestOneNameWhileClosing(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		c := open(t, env.Client, cache.Config[string, string]{Name: "user"})
		const slow = time.Minute
		go func() {
			_, _ = c.GetOrSet(t.Context(), "k", func(context.Context, string) (string, error) {
				time.Sleep(slow)
				return "v", nil
			})
		}()
		time.Sleep(slow / 60)
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			_ = c.Close()
		}()
		time.Sleep(slow / 60)
		if err := made(env.Client, cache.Config[string, int]{Name: "user"}); err == nil {
			t.Error("another type is not refused while a loader runs")
		}
		<-closed
		if err := made(env.Client, cache.Config[string, int]{Name: "user"}); err != nil {
			t.Error(err)
		}
	})
}

// A New that fails leaves nothing.
func TestOneNameAfterARefusal(t *testing.T) {
	rdb := unused(t)
	for _, r := range refusals {
		cfg := config{Name: "user", TTL: time.Hour}
		r.change(&cfg)
		if c, err := cache.New(rdb, cfg); err == nil {
			t.Fatalf("%s: New = %v and no error", r.name, c)
		}
	}
	first := open(t, rdb, cache.Config[int, int]{Name: "user"})
	if err := made(rdb, config{Name: "user"}); err == nil {
		t.Fatal("another type is not refused")
	}
	_ = first.Close()
	if err := made(rdb, config{Name: "user"}); err != nil {
		t.Error(err)
	}
}

// Of caches that are made at one time, all that are open have one type.
func TestOneNameConcurrently(t *testing.T) {
	rdb := unused(t)
	var callers sync.WaitGroup
	texts, numbers := make([]error, 50), make([]error, 50)
	keep := make([]any, 100)
	for i := range 50 {
		callers.Go(func() {
			keep[i], texts[i] = cache.New(rdb, cache.Config[int, string]{Name: "user", TTL: time.Hour})
		})
		callers.Go(func() {
			keep[50+i], numbers[i] = cache.New(rdb, cache.Config[int, int]{Name: "user", TTL: time.Hour})
		})
	}
	callers.Wait()
	refused := func(errs []error) (n int) {
		for _, err := range errs {
			if err != nil {
				n++
			}
		}
		return n
	}
	if a, b := refused(texts), refused(numbers); a+b != 50 || a*b != 0 {
		t.Errorf("%d and %d of 50 caches are refused, want all of one type", a, b)
	}
	runtime.KeepAlive(keep)
}

// A cache that has been used and not been closed is forgotten all the same, and its client
// with it.
func TestOneNameForgotten(t *testing.T) {
	env := redistest.Mini(t)
	rdb := env.NewClient(t)
	use := func(rdb redis.UniversalClient, name string) {
		c, err := cache.New(rdb, cache.Config[int, string]{Name: name, TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.GetOrSet(t.Context(), 1, func(context.Context, int) (string, error) { return "v", nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	use(rdb, "user")
	for made(rdb, cache.Config[int, int]{Name: "user"}) != nil {
		runtime.GC()
	}

	client := func() weak.Pointer[redis.Client] {
		c := redis.NewClient(&redis.Options{Addr: env.Mini.Addr()})
		for i := range 3 {
			use(c, fmt.Sprint("user", i))
		}
		_ = c.Close()
		return weak.Make(c)
	}()
	for client.Value() != nil {
		runtime.GC()
	}
}
