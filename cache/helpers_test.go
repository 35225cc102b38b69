package cache_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
	"github.com/asidecache/aside/loader"
)

// These are the helpers of testcache under the short names of the tests of this package.

type person = testcache.Person

var (
	ann, bob = testcache.Ann, testcache.Bob
	control  = testcache.Control
)

func open[K comparable, V any](t testing.TB, rdb redis.UniversalClient, cfg cache.Config[K, V]) *cache.Cache[K, V] {
	t.Helper()
	return testcache.Open(t, rdb, cfg)
}

func value[V any](v V, runs *int) loader.Func[string, V] { return testcache.Value(v, runs) }

func never[V any](t testing.TB) loader.Func[string, V] { return testcache.Never[V](t) }

func failing[V any](err error) loader.Func[string, V] { return testcache.Failing[V](err) }

func want[V any](t testing.TB, what string, got V, err error, wanted V) {
	t.Helper()
	testcache.Want(t, what, got, err, wanted)
}

func wantError[V any](t testing.TB, what string, got V, err, wanted error) {
	t.Helper()
	testcache.WantError(t, what, got, err, wanted)
}

func wantGet[K comparable, V any](t testing.TB, c *cache.Cache[K, V], key K, wanted *V) {
	t.Helper()
	testcache.WantGet(t, c, key, wanted)
}

func wantState[K comparable, V any](t testing.TB, c *cache.Cache[K, V], key K, wanted cache.State) cache.Entry[V] {
	t.Helper()
	return testcache.WantState(t, c, key, wanted)
}

// background is for calls in goroutines that may outlive the test's context.
var background = context.Background()

// bubble runs a test on a miniredis in a synctest bubble.
func bubble(t *testing.T, test func(t *testing.T, env *redistest.Env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, redistest.Mini(t)) })
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
