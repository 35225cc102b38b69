package collection_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

// A closer is a cache or a collection.
type closer interface{ Close() error }

// A maker makes one of the Name "one".
type maker func(redis.UniversalClient) (closer, error)

func cacheOf[V any](c codec.Codec[V]) maker {
	return func(rdb redis.UniversalClient) (closer, error) {
		return cache.New(rdb, cache.Config[string, V]{Name: "one", Codec: c, TTL: time.Hour})
	}
}

func hashOf[T any]() maker {
	return func(rdb redis.UniversalClient) (closer, error) {
		cfg := collection.HashConfig[string, T]{Name: "one", Mapping: hashmap.MustOf[T](), TTL: time.Hour}
		return collection.NewHash(rdb, cfg)
	}
}

func listOf[E any](rdb redis.UniversalClient) (closer, error) {
	return collection.NewList(rdb, collection.Config[string, E]{Name: "one", TTL: time.Hour})
}

func setOf[E any](rdb redis.UniversalClient) (closer, error) {
	return collection.NewSet(rdb, collection.Config[string, E]{Name: "one", TTL: time.Hour})
}

func sortedSetOf[E any](rdb redis.UniversalClient) (closer, error) {
	return collection.NewSortedSet(rdb, collection.Config[string, E]{Name: "one", TTL: time.Hour})
}

// A collection and a cache may share a Name if one reads what the other has stored,
// whichever of them is there first.
func TestOneName(t *testing.T) {
	type stranger struct{ Street string }
	rdb := redistest.Mini(t).Client
	text := codec.Text[string]()
	for _, tt := range []struct {
		name    string
		a, b    maker
		refused bool
	}{
		{"list, cache of it", listOf[string], cacheOf(codec.List(text)), false},
		{"set, cache of it", setOf[string], cacheOf(codec.Set(text)), false},
		{"sorted set, cache of it", sortedSetOf[string], cacheOf(codec.SortedSet(text)), false},
		{"hash, cache of it", hashOf[person](), cacheOf[person](hashmap.MustOf[person]()), false},
		{"list, list", listOf[string], listOf[string], false},
		{"list of strings, list of numbers", listOf[string], listOf[int], true},
		{"list, set", listOf[string], setOf[string], true},
		{"set, sorted set", setOf[string], sortedSetOf[string], true},
		{"hash, hash of another struct", hashOf[person](), hashOf[stranger](), true},
		{"hash, cache of another struct", hashOf[person](), cacheOf[stranger](hashmap.MustOf[stranger]()), true},
		{"hash, cache of a string", hashOf[person](), cacheOf(codec.JSON[person]()), true},
		{"list, cache of a string", listOf[string], cacheOf(codec.Msgpack[[]string]()), true},
		{"list, cache of other elements", listOf[string], cacheOf(codec.List(codec.JSON[string]())), true},
		{"list, cache of a set", listOf[string], cacheOf(codec.Set(text)), true},
	} {
		for _, order := range [][2]maker{{tt.a, tt.b}, {tt.b, tt.a}} {
			first, err := order[0](rdb)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			second, err := order[1](rdb)
			const says = `Name "one" without a Version belongs on this client to a `
			if (err != nil) != tt.refused || tt.refused && !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, want it to be refused: %v", tt.name, err, tt.refused)
			}
			_ = first.Close()
			_ = first.Close()
			if err == nil {
				_ = second.Close()
			}
		}
	}
}

// A collection leaves its Name with the first Close, also of what With has made of it, and
// one that could not be made has none.
func TestOneNameAfterClose(t *testing.T) {
	rdb := redistest.Mini(t).Client
	cfg := config("one")
	cfg.TTL = 0
	if _, err := collection.NewList(rdb, cfg); err == nil {
		t.Fatal("a list without a TTL is not refused")
	}
	s, err := setOf[string](rdb)
	s = opened(t, s, err)
	_ = s.Close()

	l := newList(t, rdb, config("one"))
	again := newList(t, rdb, config("one"))
	renewing := l.With(collection.Renew())
	for _, c := range []closer{renewing, l, renewing} {
		_ = c.Close()
		if _, err := setOf[string](rdb); err == nil {
			t.Error("a set is not refused while one of two lists is open")
		}
	}
	_ = again.Close()
	s, err = setOf[string](rdb)
	opened(t, s, err)
}
