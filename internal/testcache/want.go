package testcache

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/asidecache/aside/cache"
)

// Brief is a value for the message of a failure: its text or, of a long one, the
// length and a digest of that.
func Brief(v any) string {
	text := fmt.Sprintf("%+v", v)
	if len(text) <= 500 {
		return text
	}
	return fmt.Sprintf("%.40s... (%d bytes of text, SHA-256 %.8x)", text, len(text), sha256.Sum256([]byte(text)))
}

// Want checks the result of a call.
func Want[V any](t testing.TB, what string, got V, err error, wanted V) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: error %v, want %s", what, err, Brief(wanted))
	} else if !reflect.DeepEqual(got, wanted) {
		t.Errorf("%s = %s, want %s", what, Brief(got), Brief(wanted))
	}
}

// WantError checks that a call has failed as it should, and with the zero value.
func WantError[V any](t testing.TB, what string, got V, err, wanted error) {
	t.Helper()
	var zero V
	if !errors.Is(err, wanted) {
		t.Errorf("%s: error %v, want %v", what, err, wanted)
	}
	if !reflect.DeepEqual(got, zero) {
		t.Errorf("%s = %s beside an error, want the zero value", what, Brief(got))
	}
}

// WantGet checks what Get returns: wanted nil means nothing.
func WantGet[K comparable, V any](t testing.TB, c *cache.Cache[K, V], key K, wanted *V) {
	t.Helper()
	got, ok, err := c.Get(t.Context(), key)
	switch {
	case err != nil:
		t.Errorf("Get(%s): %v", Brief(key), err)
	case ok != (wanted != nil):
		t.Errorf("Get(%s) = %s, %v, want %v", Brief(key), Brief(got), ok, wanted != nil)
	case ok:
		Want(t, "Get", got, nil, *wanted)
	}
}

// WantState checks what Entry says of the key.
func WantState[K comparable, V any](t testing.TB, c *cache.Cache[K, V], key K, wanted cache.State) cache.Entry[V] {
	t.Helper()
	e, err := c.Entry(t.Context(), key)
	if err != nil {
		t.Fatalf("Entry(%v): %v", key, err)
	}
	if e.State != wanted {
		t.Errorf("Entry(%v).State = %v, want %v", key, e.State, wanted)
	}
	return e
}
