package servertest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
	"github.com/asidecache/aside/loader"
)

// TestVersions runs caches of several versions on the same keys, on every server.
func TestVersions(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		run(t, env, "text", texts, versionCases[string]())
		run(t, env, "hash", hashes, versionCases[*person]())
		run(t, env, "list", lists, versionCases[[]int]())
	})
}

func versionCases[V any]() []namedCase[V] {
	return []namedCase[V]{
		{"writes", caseWritesOfVersions[V]},
		{"fence", caseFenceOfVersions[V]},
		{"empty", caseEmptyOfVersions[V]},
		{"absent", caseAbsentOfVersions[V]},
		{"lease", caseLeaseOfVersions[V]},
		{"marker", caseLongMarkers[V]},
	}
}

// versionedKeys have tags, and braces that are none. One kind of codec sees them all.
func (b *bench[V]) versionedKeys() []string {
	if b.is("text") {
		return []string{"k", "{t}k", "a}b", "{}x", "a}b{c}"}
	}
	return []string{"k"}
}

// versions are caches of the versions 0 to 4, whose clients share a fleet's Redis.
func (b *bench[V]) versions(t *testing.T, change ...func(*cache.Config[string, V])) (c [5]*cache.Cache[string, V]) {
	t.Helper()
	for v := range c {
		c[v] = b.open(t, append(change, func(cfg *cache.Config[string, V]) { cfg.Version = v })...)
	}
	return c
}

// writesOf are all ways to write a value, an absence or nothing.
func writesOf[V any](b *bench[V]) map[string]func(ctx context.Context, c *cache.Cache[string, V], key string) error {
	type write = func(ctx context.Context, c *cache.Cache[string, V], key string) error
	queued := func(exec func(*collection.Pipeline, context.Context) error) write {
		return func(ctx context.Context, c *cache.Cache[string, V], key string) error {
			var p collection.Pipeline
			c.In(&p).Set(key, b.two)
			return exec(&p, ctx)
		}
	}
	return map[string]write{
		"Set": func(ctx context.Context, c *cache.Cache[string, V], key string) error { return c.Set(ctx, key, b.two) },
		"Refresh": func(ctx context.Context, c *cache.Cache[string, V], key string) error {
			runs := 0
			_, err := c.Refresh(ctx, key, testcache.Value(b.two, &runs))
			return err
		},
		"Refresh of a missing key": func(ctx context.Context, c *cache.Cache[string, V], key string) error {
			if err := b.rdb.Unlink(ctx, c.RedisKey(key)).Err(); err != nil {
				return err
			}
			runs := 0
			_, err := c.Refresh(ctx, key, testcache.Value(b.two, &runs))
			return err
		},
		"Refresh, empty": func(ctx context.Context, c *cache.Cache[string, V], key string) error {
			runs := 0
			_, err := c.Refresh(ctx, key, testcache.Value(b.empty, &runs))
			return err
		},
		"Refresh, absent": func(ctx context.Context, c *cache.Cache[string, V], key string) error {
			_, err := c.Refresh(ctx, key, testcache.Failing[V](cache.ErrNotFound))
			if errors.Is(err, cache.ErrNotFound) {
				err = nil
			}
			return err
		},
		"Set empty": func(ctx context.Context, c *cache.Cache[string, V], key string) error {
			return c.Set(ctx, key, b.empty)
		},
		"SetMany": func(ctx context.Context, c *cache.Cache[string, V], key string) error {
			return c.SetMany(ctx, map[string]V{key: b.two, "other": b.one, "more": b.two})
		},
		"SetIfAbsent": func(ctx context.Context, c *cache.Cache[string, V], key string) error {
			_, err := c.SetIfAbsent(ctx, key, b.two)
			return err
		},
		"SetIfAbsent empty": func(ctx context.Context, c *cache.Cache[string, V], key string) error {
			_, err := c.SetIfAbsent(ctx, key, b.empty)
			return err
		},
		"SetAbsent": func(ctx context.Context, c *cache.Cache[string, V], key string) error { return c.SetAbsent(ctx, key) },
		"Delete":    func(ctx context.Context, c *cache.Cache[string, V], key string) error { return c.Delete(ctx, key) },
		"Delete of many": func(ctx context.Context, c *cache.Cache[string, V], key string) error {
			return c.Delete(ctx, "other", key, "more")
		},
		"a pipeline":     queued((*collection.Pipeline).Exec),
		"an atomic step": queued((*collection.Pipeline).ExecAtomic),
	}
}

// A write removes the values of the versions n-2, n-1 and n+1, and of no others; what a load
// stores, and Touch, removes none.
func caseWritesOfVersions[V any](t *testing.T, b *bench[V]) {
	c := b.versions(t)
	for name, write := range writesOf(b) {
		for _, key := range b.versionedKeys() {
			if name == "SetMany" && strings.Contains(key, "}") || name == "an atomic step" && key != "k" {
				continue
			}
			for version := range c[:4] {
				for v := range c {
					if v == version && strings.HasPrefix(name, "SetIfAbsent") {
						continue
					}
					runs := 0
					got, err := c[v].GetOrSet(t.Context(), key, testcache.Value(b.one, &runs))
					testcache.Want(t, "GetOrSet", got, err, b.one)
				}
				if err := write(t.Context(), c[version], key); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for v := range c {
					switch v - version {
					case 0:
					case 1, -1, -2: // of -2 version -1 may make its values, see cache.Upgrade
						if e, err := c[v].Entry(t.Context(), key); e.State == cache.Present || err != nil {
							t.Errorf("%s of %q by version %d left version %d: %v", name, key, version, v, err)
						}
					default:
						testcache.WantGet(t, c[v], key, &b.one)
					}
				}
				for v := range c {
					if err := c[v].Delete(t.Context(), key); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	if err := c[1].Set(t.Context(), "k", b.one); err != nil {
		t.Fatal(err)
	}
	runs := 0
	got, err := c[2].GetOrSet(t.Context(), "k", testcache.Value(b.two, &runs))
	testcache.Want(t, "GetOrSet", got, err, b.two)
	if ok, err := c[2].Touch(t.Context(), "k", cache.TTL(time.Minute)); !ok || err != nil {
		t.Error(ok, err)
	}
	if stored, err := c[2].SetIfAbsent(t.Context(), "k", b.empty); stored || err != nil {
		t.Error(stored, err)
	}
	testcache.WantGet(t, c[1], "k", &b.one)
	b.wantLife(t, c[1].RedisKey("k"), time.Hour)

	leaseless := b.open(t, func(cfg *cache.Config[string, V]) { cfg.Version, cfg.Lease = 2, cache.Off })
	if err := c[2].Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	got, err = c[1].GetOrSet(t.Context(), "k", testcache.Value(b.one, &runs))
	testcache.Want(t, "GetOrSet", got, err, b.one)
	got, err = leaseless.GetOrSet(t.Context(), "k", testcache.Value(b.two, &runs))
	testcache.Want(t, "GetOrSet without a lease", got, err, b.two)
	testcache.WantGet(t, c[1], "k", &b.one)

	over := func(cfg *cache.Config[string, V]) {
		cfg.Version = 2
		cfg.TTLFor = func(string, *V) time.Duration { return -time.Hour }
	}
	if err := b.open(t, over).Set(t.Context(), "k", b.two); err != nil {
		t.Fatal(err)
	}
	testcache.WantGet(t, c[1], "k", nil)
}

// A write of a version beats a load of another that began before it, alone and in a batch.
func caseFenceOfVersions[V any](t *testing.T, b *bench[V]) {
	c := b.versions(t)
	for name, write := range writesOf(b) {
		for _, key := range b.versionedKeys() {
			if name == "SetMany" && strings.Contains(key, "}") || name == "an atomic step" && key != "k" ||
				strings.HasPrefix(name, "Refresh") { // which waits for the other's lease
				continue
			}
			for _, pair := range [][2]int{{0, 1}, {2, 1}} {
				loading, writing := c[pair[0]], c[pair[1]]
				overtaken := func(ctx context.Context, _ string) (V, error) {
					return b.one, write(ctx, writing, key)
				}
				got, err := loading.GetOrSet(t.Context(), key, overtaken)
				testcache.Want(t, "the load's own caller", got, err, b.one)
				wantNotStored(t, loading, key, name)
				if err := loading.Delete(t.Context(), key); err != nil { // also of the other version
					t.Fatal(err)
				}
				many := func(ctx context.Context, keys []string) (map[string]V, error) {
					return map[string]V{key: b.one, "beside": b.one}, write(ctx, writing, key)
				}
				if _, err := loading.GetOrSetMany(t.Context(), []string{key, "beside"}, many); err != nil {
					t.Fatal(err)
				}
				wantNotStored(t, loading, key, name)
				if err := loading.Set(t.Context(), key, b.two); err != nil {
					t.Fatal(err)
				}
				loads := 0
				refreshed, err := loading.Refresh(t.Context(), key, func(ctx context.Context, key string) (V, error) {
					if loads++; loads == 1 {
						return overtaken(ctx, key)
					}
					return b.two, nil
				})
				testcache.Want(t, "Refresh", refreshed, err, b.two)
				if loads != 2 {
					t.Errorf("%s of %q by another version, and a refresh loads %d times", name, key, loads)
				}
				if err := loading.Delete(t.Context(), key, "beside", "other", "more"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func wantNotStored[V any](t *testing.T, c *cache.Cache[string, V], key, name string) {
	t.Helper()
	if e, err := c.Entry(t.Context(), key); e.State == cache.Present || err != nil {
		t.Errorf("%s of %q by another version, and the older load is stored: %v", name, key, err)
	}
}

// That a value is empty says nothing of other versions, and is not forgotten when these load.
func caseEmptyOfVersions[V any](t *testing.T, b *bench[V]) {
	c := b.versions(t)
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		for i, v := range order {
			runs := 0
			got, err := c[v].GetOrSet(t.Context(), "k", testcache.Value(b.empty, &runs))
			testcache.Want(t, "GetOrSet", got, err, b.empty)
			if runs != 1 {
				t.Errorf("version %d was loaded %d times after the versions %v", v, runs, order[:i])
			}
			for _, known := range order[:i+1] {
				testcache.WantGet(t, c[known], "k", &b.empty)
				if ok, err := c[known].SetIfAbsent(t.Context(), "k", b.one); ok || err != nil {
					t.Errorf("SetIfAbsent beside an empty value: %v, %v", ok, err)
				}
			}
			for _, unknown := range order[i+1:] {
				testcache.WantGet(t, c[unknown], "k", nil)
				if ok, err := c[unknown].Touch(t.Context(), "k"); ok || err != nil {
					t.Errorf("Touch of what another version has: %v, %v", ok, err)
				}
			}
		}
		failed := context.Canceled
		_, err := c[3].GetOrSet(t.Context(), "k", testcache.Failing[V](failed))
		if err == nil {
			t.Error("the loader's error is lost")
		}
		for _, v := range order { // after a load that came to nothing
			testcache.WantGet(t, c[v], "k", &b.empty)
		}
		runs := 0
		got, err := c[3].GetOrSet(t.Context(), "k", testcache.Value(b.one, &runs))
		testcache.Want(t, "GetOrSet", got, err, b.one)
		for _, v := range order { // nor after one that is not empty
			testcache.WantGet(t, c[v], "k", &b.empty)
		}
		if err := c[1].Set(t.Context(), "k", b.one); err != nil {
			t.Fatal(err)
		}
		for _, v := range []int{0, 2} {
			testcache.WantGet(t, c[v], "k", nil)
		}
		if err := c[1].Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if err := c[3].Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
}

// That the source has no value is known to all versions.
func caseAbsentOfVersions[V any](t *testing.T, b *bench[V]) {
	c := b.versions(t)
	_, err := c[1].GetOrSet(t.Context(), "k", testcache.Failing[V](loader.ErrNotFound))
	testcache.WantError(t, "GetOrSet", *new(V), err, cache.ErrNotFound)
	for _, v := range []int{0, 1, 2} {
		got, err := c[v].GetOrSet(t.Context(), "k", testcache.Never[V](t))
		testcache.WantError(t, "GetOrSet", got, err, cache.ErrNotFound)
	}
	if err := c[2].Set(t.Context(), "k", b.one); err != nil {
		t.Fatal(err)
	}
	for _, v := range []int{1, 3} {
		testcache.WantState(t, c[v], "k", cache.Missing)
	}
	testcache.WantGet(t, c[2], "k", &b.one)
}

// Loads of two versions wait for each other, and each gets a value of its own.
func caseLeaseOfVersions[V any](t *testing.T, b *bench[V]) {
	c := b.versions(t)
	began, second := make(chan struct{}), make(chan error)
	go func() {
		<-began
		runs := 0
		_, err := c[2].GetOrSet(t.Context(), "k", testcache.Value(b.two, &runs))
		second <- err
	}()
	got, err := c[1].GetOrSet(t.Context(), "k", func(context.Context, string) (V, error) {
		close(began)
		return b.one, nil
	})
	testcache.Want(t, "GetOrSet", got, err, b.one)
	if err := <-second; err != nil {
		t.Error(err)
	}
	testcache.WantGet(t, c[1], "k", &b.one)
	testcache.WantGet(t, c[2], "k", &b.two)
	if keys := b.env.Keys(t); slices.ContainsFunc(keys, func(key string) bool {
		return key == testcache.Control(b.name+":k")
	}) {
		t.Error("a lease is left")
	}
}

// A marker of many versions that no cache has written is none, and is replaced.
func caseLongMarkers[V any](t *testing.T, b *bench[V]) {
	c := b.versions(t)
	control := testcache.Control(c[0].RedisKey("k"))
	for version := range c {
		loads := map[string]func(loader.Func[string, V]) (V, error){
			"GetOrSet": func(load loader.Func[string, V]) (V, error) { return c[version].GetOrSet(t.Context(), "k", load) },
			"Refresh":  func(load loader.Func[string, V]) (V, error) { return c[version].Refresh(t.Context(), "k", load) },
		}
		for name, load := range loads {
			for _, want := range []V{b.one, b.empty} {
				if err := c[version].Delete(t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
				b.do(t, "SET", control, "E"+strings.Repeat("@9", 500_000), "PX", 3_600_000)
				runs := 0
				got, err := load(testcache.Value(want, &runs))
				testcache.Want(t, name, got, err, want)
				testcache.WantGet(t, c[version], "k", &want)
			}
		}
	}
}
