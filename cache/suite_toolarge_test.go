package cache_test

import (
	"context"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
)

// A value that the server does not take for its size is not stored, and every call is told
// so. A load has its value all the same.
func TestTooLargeForTheServer(t *testing.T) {
	long := strings.Repeat("v", 2<<20)
	for _, server := range redistest.Servers(t) {
		for _, topology := range []redistest.Topology{redistest.Standalone, redistest.Cluster} {
			t.Run(server.String()+"/"+string(topology), func(t *testing.T) {
				t.Parallel()
				rdb := server.StartCalm(t, topology, "--proto-max-bulk-len", "1mb").Client(t)
				t.Run("strings", func(t *testing.T) { wantTooLarge(t, rdb, codec.Text[string](), long) })
				t.Run("hashes", func(t *testing.T) { wantTooLarge(t, rdb, persons, person{Name: long}) })
				t.Run("lists", func(t *testing.T) { wantTooLarge(t, rdb, codec.List(codec.Text[string]()), []string{"v", long}) })
			})
		}
	}
}

func wantTooLarge[V any](t *testing.T, rdb redis.UniversalClient, kind codec.Codec[V], v V) {
	t.Helper()
	for _, lease := range []cache.Config[string, V]{{}, {Lease: cache.Off}} {
		var heard recorder
		cfg := lease
		cfg.Codec, cfg.Observer = kind, heard.observer()
		c := open(t, rdb, cfg)
		for range 2 {
			got, err := c.GetOrSet(t.Context(), "a", func(context.Context, string) (V, error) { return v, nil })
			want(t, "GetOrSet", got, err, v)
		}
		all, err := c.GetOrSetMany(t.Context(), []string{"b", "c"}, func(_ context.Context, keys []string) (map[string]V, error) {
			return map[string]V{"b": v, "c": v}, nil
		})
		want(t, "GetOrSetMany", all, err, map[string]V{"b": v, "c": v})
		if s := c.Stats(); s.TooLarge != 4 || s.NotStored() != 4 || s.Loaded != 4 {
			t.Errorf("Stats = %+v, want 4 of TooLarge", s)
		}
		_, err = c.SetIfAbsent(t.Context(), "d", v)
		for what, err := range map[string]error{
			"Set": c.Set(t.Context(), "d", v), "SetMany": c.SetMany(t.Context(), map[string]V{"d": v}), "SetIfAbsent": err,
		} {
			if err == nil || !strings.Contains(err.Error(), "2097152") || !strings.Contains(err.Error(), "proto-max-bulk-len") {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err = c.Refresh(t.Context(), "d", func(context.Context, string) (V, error) { return v, nil })
		if err == nil || !strings.Contains(err.Error(), "proto-max-bulk-len") {
			t.Errorf("Refresh: %v", err)
		}
		e := heard.take()
		if len(e.writes) != 8 || len(e.errors) != 8 {
			t.Errorf("%d write events and %d errors, want 8 of each", len(e.writes), len(e.errors))
		}
		for _, w := range e.writes {
			if w.Outcome != cache.WriteTooLarge || w.Err == nil {
				t.Errorf("%s %s: %v, %v", w.Op, w.Key, w.Outcome, w.Err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
