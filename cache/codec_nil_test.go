package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
)

// A loader that returns a nil pointer and no error gives all callers the same: the nil
// pointer as a value, from codecs that store one, or an ErrEncode.
func TestNilPointerIsTheSameForAll(t *testing.T) {
	type user struct{ Name string }
	bubble(t, func(t *testing.T, env *redistest.Env) {
		for name, c := range map[string]struct {
			codec   codec.Codec[*user]
			refused bool
		}{
			"default": {}, "msgpack": {codec.Msgpack[*user](), false}, "json": {codec.JSON[*user](), false}, "hashmap": {hashmap.MustOf[*user](), true},
		} {
			wantSame(t, env, name, c.codec, c.refused)
		}
		wantSame(t, env, "text", codec.Text[*time.Time](), true)
		wantSame(t, env, "binary", codec.Binary[*time.Time](), true)
	})
}

func wantSame[V any](t *testing.T, env *redistest.Env, name string, of codec.Codec[*V], refused bool) {
	t.Helper()
	c := open(t, env.Client, cache.Config[string, *V]{Name: name, Codec: of})
	loads := 0
	load := func(context.Context, string) (*V, error) { loads++; return nil, nil }
	for i := range 3 {
		v, err := c.GetOrSet(t.Context(), "k", load)
		if v != nil || refused != errors.Is(err, cache.ErrEncode) || !refused && err != nil {
			t.Errorf("%s, call %d: %v, error %v", name, i, v, err)
		}
	}
	if !refused && loads != 1 {
		t.Errorf("%s: %d loads, want 1: a nil pointer is a value", name, loads)
	}
}
