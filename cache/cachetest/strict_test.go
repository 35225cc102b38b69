package cachetest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/internal/redistest"
)

// A judged is a test that may fail.
type judged struct {
	testing.TB
	errors []string
}

func (j *judged) Error(args ...any) { j.errors = append(j.errors, fmt.Sprint(args...)) }

// A rows is a source of strings, by number.
type rows map[int]string

func (r rows) load(_ context.Context, id int) (string, error) {
	if v, ok := r[id]; ok {
		return v, nil
	}
	return "", cache.ErrNotFound
}

// wantsError checks what a test has failed by.
func (j *judged) wantsError(parts ...string) {
	j.Helper()
	if len(j.errors) != 1 {
		j.Fatalf("errors %q, want one", j.errors)
	}
	for _, part := range parts {
		if !strings.Contains(j.errors[0], part) {
			j.Errorf("%q does not say %q", j.errors[0], part)
		}
	}
	if strings.Contains(j.errors[0], "strict.go") || strings.Contains(j.errors[0], "secret") {
		j.TB.Errorf("it says %q", j.errors[0])
	}
}

// A strict cache needs leases.
func TestStrictNeedsLeases(t *testing.T) {
	cfg := cache.Config[int, string]{Name: "user", TTL: time.Hour, Lease: cache.Off}
	cachetest.Strict(&judged{TB: t}, &cfg)
	_, err := cache.New(cachetest.NewServer(t).Client(), cfg)
	if err == nil || !strings.Contains(err.Error(), "do not set Lease to Off") {
		t.Errorf("New: %v", err)
	}
}

// The test fails at the first hit that nobody has invalidated, by what a person needs to find the
// mistake: the row was deleted in another cache.
func TestStrict(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		j := &judged{TB: t}
		source := rows{42: "secret", 7: "secret"}
		open := func(name string, version int) *cache.Cache[int, string] {
			cfg := cache.Config[int, string]{Name: name, Version: version, TTL: time.Hour, Audit: cache.AuditConfig{Grace: 10 * time.Millisecond}}
			cachetest.Strict(j, &cfg)
			c := cache.Must(cache.New(env.Client, cfg))
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		users, profiles := open("user", 0), open("profile", 3)
		read := func(c *cache.Cache[int, string], id int) {
			t.Helper()
			if _, err := c.GetOrSet(t.Context(), id, source.load); err != nil && source[id] != "" {
				t.Error(err)
			}
		}
		for range 3 {
			for id := range 50 {
				read(users, id)
				read(profiles, id)
			}
		}
		source[42] = "secret, too"
		if err := users.Delete(t.Context(), 42, 7); err != nil {
			t.Fatal(err)
		}
		read(users, 42)
		read(users, 42)
		if len(j.errors) != 0 {
			t.Fatalf("what was invalidated: %q", j.errors)
		}
		read(profiles, 7)
		_, _ = profiles.GetOrSet(t.Context(), 42, source.load)
		j.wantsError(`"profile@3{profile:42}" of cache "profile"`, "read by GetOrSet at strict_test.go:", `Cache "user" has deleted "42", at strict_test.go:`)
		read(profiles, 42)
		j.wantsError("GetOrSet") // only once
	})
}

// A strict cache names the fields, tells rows that are gone, and is strict in batches.
func TestStrictTells(t *testing.T) {
	type person struct{ Name, City string }
	for what, test := range map[string]struct {
		change func(map[string]person)
		key    string
		says   []string
	}{
		"another field":       {func(m map[string]person) { m["a"] = person{"secret", "secret 2"} }, "a", []string{"another City", "GetOrSetMany at"}},
		"a row that is gone":  {func(m map[string]person) { delete(m, "a") }, "a", []string{"no such value any more"}},
		"a row that has come": {func(m map[string]person) { m["b"] = person{} }, "b", []string{"that has one"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			j := &judged{TB: t}
			source := map[string]person{"a": {"secret", "secret"}}
			load := func(_ context.Context, keys []string) (map[string]person, error) {
				found := map[string]person{}
				for _, key := range keys {
					if p, ok := source[key]; ok {
						found[key] = p
					}
				}
				return found, nil
			}
			cfg := cache.Config[string, person]{Name: "p", TTL: time.Hour}
			cachetest.Strict(j, &cfg)
			c := cachetest.New(t, cfg)
			read := func() {
				if _, err := c.GetOrSetMany(t.Context(), []string{"a", "b"}, load); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			read()
			read()
			if len(j.errors) > 0 {
				t.Errorf("%s: %q", what, j.errors)
			}
			test.change(source)
			began := time.Now()
			read()
			if took := time.Since(began); took < time.Second {
				t.Errorf("%s: the call has waited for %v", what, took)
			}
			j.wantsError(append(test.says, `"p:`+test.key+`"`)...)
		})
	}
}

// A writer that invalidates within Grace is no failure, whatever goroutine it is.
func TestStrictWaitsForWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &judged{TB: t}
		source := rows{1: "a"}
		cfg := cache.Config[int, string]{Name: "p", TTL: time.Hour, MaxLoads: 1}
		cachetest.Strict(j, &cfg)
		c := cachetest.New(t, cfg)
		_, _ = c.GetOrSet(t.Context(), 1, source.load)
		source[1] = "b"
		go func() {
			time.Sleep(500 * time.Millisecond)
			_ = c.Delete(t.Context(), 1)
		}()
		_, _ = c.GetOrSet(t.Context(), 1, source.load)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, _ = c.GetOrSet(ctx, 1, source.load) // leaves
		_, _ = c.GetOrSet(t.Context(), 2, func(ctx context.Context, id int) (string, error) {
			return c.GetOrSet(ctx, 1, source.load) // has no place under MaxLoads for its audit
		})
		synctest.Wait()
		if len(j.errors) != 0 {
			t.Errorf("errors: %q", j.errors)
		}
	})
}

// Loaders that read strict caches, also in a circle, are audited without an end.
func TestStrictCachesThatReadEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &judged{TB: t}
		srv := cachetest.NewServer(t)
		var a, b *cache.Cache[int, string]
		cfgA := cache.Config[int, string]{Name: "a", TTL: time.Hour}
		cachetest.Strict(j, &cfgA)
		a = cachetest.NewOn(t, srv, cfgA)
		cfgB := cache.Config[int, string]{Name: "b", TTL: time.Hour}
		cachetest.Strict(j, &cfgB)
		b = cachetest.NewOn(t, srv, cfgB)
		_ = b.Set(t.Context(), 1, "v")
		var loadA, loadB func(context.Context, int) (string, error)
		loadA = func(ctx context.Context, id int) (string, error) { return b.GetOrSet(ctx, id, loadB) }
		loadB = func(ctx context.Context, id int) (string, error) { return a.GetOrSet(ctx, id, loadA) }
		for range 3 {
			v, err := a.GetOrSet(t.Context(), 1, loadA)
			if v != "v" || err != nil {
				t.Errorf("GetOrSet: %q, %v", v, err)
			}
		}
		if len(j.errors) != 0 {
			t.Errorf("errors: %q", j.errors)
		}
	})
}
