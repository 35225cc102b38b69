package cachetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
)

// A lossy has a field that no codec stores.
type lossy struct {
	Kept int
	lost int
}

// After DecodeLoaded the caller whose loader ran gets what all others get.
func TestDecodeLoaded(t *testing.T) {
	ctx, one, whole := t.Context(), lossy{1, 0}, lossy{1, 2}
	for name, c := range map[string]struct {
		codec codec.Codec[lossy]
		lease time.Duration
	}{
		"msgpack": {}, "JSON": {codec: codec.JSON[lossy]()}, "unleased": {lease: cache.Off},
	} {
		cfg := cache.Config[int, lossy]{Name: "lossy", TTL: time.Minute, Codec: c.codec, Lease: c.lease}
		load := func(context.Context, int) (lossy, error) { return whole, nil }
		loadMany := func(_ context.Context, keys []int) (map[int]lossy, error) { return map[int]lossy{keys[0]: whole}, nil }
		srv := cachetest.NewServer(t)
		asEver := cachetest.NewOn(t, srv, cfg)
		srv.DecodeLoaded()
		decoded := cachetest.NewOn(t, srv, cfg)
		for i, test := range []struct {
			c    *cache.Cache[int, lossy]
			want lossy
		}{{asEver, whole}, {decoded, one}} {
			key := 10 * i
			v, err := test.c.GetOrSet(ctx, key, load)
			if err != nil || v != test.want {
				t.Errorf("%s: GetOrSet gives %+v, %v, want %+v", name, v, err, test.want)
			}
			v, err = test.c.Refresh(ctx, key, load)
			if err != nil || v != test.want {
				t.Errorf("%s: Refresh gives %+v, %v, want %+v", name, v, err, test.want)
			}
			values, err := test.c.GetOrSetMany(ctx, []int{key + 1}, loadMany)
			if err != nil || values[key+1] != test.want {
				t.Errorf("%s: GetOrSetMany gives %+v, %v, want %+v", name, values, err, test.want)
			}
			v, err = test.c.GetOrSet(ctx, key, load)
			if err != nil || v != one {
				t.Errorf("%s: a hit gives %+v, %v, want %+v", name, v, err, one)
			}
		}
	}
}

// What is not read back at all fails the load.
func TestDecodeLoadedOfTheUnreadable(t *testing.T) {
	srv := cachetest.NewServer(t)
	srv.DecodeLoaded()
	c := cachetest.NewOn(t, srv, cache.Config[int, string]{Name: "k", TTL: time.Minute, Codec: codec.String(unreadable{})})
	for i := range 10 { // the first few are decoded in any case
		if _, err := c.GetOrSet(t.Context(), i, func(context.Context, int) (string, error) { return "v", nil }); !errors.Is(err, cache.ErrEncode) {
			t.Errorf("load %d: error %v, want ErrEncode", i, err)
		}
	}
}

type unreadable struct{}

func (unreadable) AppendValue(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (unreadable) ParseValue([]byte, *string) error                 { return errors.New("no") }
