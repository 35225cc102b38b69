package cache_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/loader"
)

// open returns a cache that is closed when the test ends.
func open[K comparable, V any](t testing.TB, rdb redis.UniversalClient, cfg cache.Config[K, V]) *cache.Cache[K, V] {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "test"
	}
	if cfg.TTL == 0 {
		cfg.TTL = time.Hour
	}
	if cfg.RedisTimeout == 0 && !inBubble() {
		cfg.RedisTimeout = generousTimeout
	}
	c, err := cache.New(rdb, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

// generousTimeout is the RedisTimeout of a test in real time: what Redis does in the
// default one depends on how busy the machine is, and no test does.
const generousTimeout = time.Minute

// inBubble reports whether this is a goroutine of a testing/synctest bubble, whose
// clock begins in the year 2000.
func inBubble() bool { return time.Now().Year() < 2020 }

// bubble runs a test on a miniredis in a synctest bubble.
func bubble(t *testing.T, test func(t *testing.T, env *redistest.Env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, redistest.Mini(t)) })
}

// value is a loader of v that counts its runs.
func value[V any](v V, runs *int) loader.Func[string, V] {
	return func(context.Context, string) (V, error) {
		*runs++
		return v, nil
	}
}

// never is a loader that must not run.
func never[V any](t testing.TB) loader.Func[string, V] {
	return func(_ context.Context, key string) (v V, err error) {
		t.Errorf("a load of %q began", key)
		return v, errors.New("a load that must not be")
	}
}

// failing is a loader that returns err.
func failing[V any](err error) loader.Func[string, V] {
	return func(context.Context, string) (v V, _ error) { return v, err }
}

// brief is a value for the message of a failure: its text or, of a long one, the
// length and a digest of that.
func brief(v any) string {
	text := fmt.Sprintf("%+v", v)
	if len(text) <= 500 {
		return text
	}
	return fmt.Sprintf("%.40s... (%d bytes of text, SHA-256 %.8x)", text, len(text), sha256.Sum256([]byte(text)))
}

// want checks the result of a call.
func want[V any](t testing.TB, what string, got V, err error, wanted V) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: error %v, want %s", what, err, brief(wanted))
	} else if !reflect.DeepEqual(got, wanted) {
		t.Errorf("%s = %s, want %s", what, brief(got), brief(wanted))
	}
}

// wantError checks that a call has failed as it should, and with the zero value.
func wantError[V any](t testing.TB, what string, got V, err, wanted error) {
	t.Helper()
	var zero V
	if !errors.Is(err, wanted) {
		t.Errorf("%s: error %v, want %v", what, err, wanted)
	}
	if !reflect.DeepEqual(got, zero) {
		t.Errorf("%s = %s beside an error, want the zero value", what, brief(got))
	}
}

// wantGet checks what Get returns: wanted nil means nothing.
func wantGet[K comparable, V any](t testing.TB, c *cache.Cache[K, V], key K, wanted *V) {
	t.Helper()
	got, ok, err := c.Get(t.Context(), key)
	switch {
	case err != nil:
		t.Errorf("Get(%s): %v", brief(key), err)
	case ok != (wanted != nil):
		t.Errorf("Get(%s) = %s, %v, want %v", brief(key), brief(got), ok, wanted != nil)
	case ok:
		want(t, "Get", got, nil, *wanted)
	}
}

// wantState checks what Entry says of the key.
func wantState[K comparable, V any](t testing.TB, c *cache.Cache[K, V], key K, wanted cache.State) cache.Entry[V] {
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

// events are what an observer was told.
type events struct {
	lookups []cache.LookupEvent
	loads   []cache.LoadEvent
	writes  []cache.WriteEvent
	errors  []*cache.Error
}

// recorder keeps all events of a cache.
type recorder struct {
	mu sync.Mutex
	events
}

func (r *recorder) observer() cache.Observer {
	return cache.Observer{
		Lookup: func(_ context.Context, e cache.LookupEvent) { record(r, &r.lookups, e) },
		Load:   func(_ context.Context, e cache.LoadEvent) { record(r, &r.loads, e) },
		Write:  func(_ context.Context, e cache.WriteEvent) { record(r, &r.writes, e) },
		Error:  func(_ context.Context, e *cache.Error) { record(r, &r.errors, e) },
	}
}

func record[E any](r *recorder, to *[]E, e E) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*to = append(*to, e)
}

// take returns the events so far and forgets them.
func (r *recorder) take() events {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.events
	r.events = events{}
	return all
}
