package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/console"
)

// An explanation has what this process did with the key, in words, also before anybody asked.
func TestExplainEvents(t *testing.T) {
	for _, tt := range []struct {
		name   string
		do     func(f *fixture) error
		wanted []string
	}{
		{"stored", func(f *fixture) error {
			_, err := f.users.GetOrSet(f.t.Context(), "1", loader("value", nil))
			return err
		}, []string{"The loader returned after", "What this process loaded last, 1.0 s ago: Stored, 5 bytes, for 60 min, by GetOrSet.", "There is a value: a string of 5 bytes"}},
		{"absent", func(f *fixture) error {
			_, _ = f.users.GetOrSet(f.t.Context(), "1", loader("", cache.ErrNotFound))
			return nil
		}, []string{"that the source has none", "Stored that the source has none, for 60 s, by GetOrSet.", "A GetOrSet gets ErrNotFound."}},
		{"failed", func(f *fixture) error {
			_, _ = f.users.GetOrSet(f.t.Context(), "1", loader("", errors.New("oh\nno")))
			return nil
		}, []string{"The loader failed after less than 1 µs: oh."}},
		{"panicked", func(f *fixture) error {
			defer func() { _ = recover() }()
			_, _ = f.users.GetOrSet(f.t.Context(), "1", func(context.Context, string) (string, error) { panic("oh") })
			return nil
		}, []string{"The loader panicked after"}},
		{"fenced", func(f *fixture) error {
			_, err := f.users.GetOrSet(f.t.Context(), "1", func(ctx context.Context, key string) (string, error) {
				return "old", f.users.Delete(context.WithoutCancel(ctx), key)
			})
			return err
		}, []string{"Deleted, by Delete.", "What this process loaded last, 1.0 s ago: Not stored: a write came after the load had begun, or the lease was lost, by GetOrSet."}},
		{"not to be stored", func(f *fixture) error {
			_, err := f.users.GetOrSetEntry(f.t.Context(), "1", func(context.Context, string) (e loaderEntry, err error) {
				e.NoStore = true
				return e, nil
			})
			return err
		}, []string{"Not stored: the loader asked for that, by GetOrSet."}},
		{"touched", func(f *fixture) error {
			if err := f.users.Set(f.t.Context(), "1", "v"); err != nil {
				return err
			}
			_, err := f.users.Touch(f.t.Context(), "1", cache.TTL(5*time.Minute))
			return err
		}, []string{"Stored, 1 bytes, for 60 min, by Set.", "Given a new TTL, for 5 min, by Touch."}},
		{"set in vain", func(f *fixture) error {
			_ = f.users.Set(f.t.Context(), "1", "v")
			_, err := f.users.SetIfAbsent(f.t.Context(), "1", "w")
			return err
		}, []string{"Not done: there was nothing to do, by SetIfAbsent."}},
		{"while Redis is down", func(f *fixture) error {
			f.redis.Down()
			_ = f.users.Delete(f.t.Context(), "1")
			time.Sleep(time.Minute)
			f.redis.Up()
			time.Sleep(time.Minute)
			return nil
		}, []string{"Not done: Redis did not answer, or with an error:", "The delete after a write that failed has been acknowledged"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				if err := tt.do(f); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				e := get[explanation](f, 200, "key", "cache", "user", "key", "1")
				wantTexts(t, e.texts(), tt.wanted...)
				if again := get[explanation](f, 200, "key", "cache", "user", "key", "user:1"); len(again.Events) != len(e.Events) || e.Key.Text != "user:1" {
					t.Errorf("%d events, and then %d", len(e.Events), len(again.Events))
				}
			})
		})
	}
}

// A load that runs is told with its key.
func TestExplainLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		end := make(chan struct{})
		for range 2 {
			go func() {
				_, _ = f.users.GetOrSet(context.Background(), "1", func(context.Context, string) (string, error) { <-end; return "v", nil })
			}()
		}
		time.Sleep(2 * time.Second)
		e := get[explanation](f, 200, "key", "cache", "user", "key", "1")
		wantTexts(t, e.texts(), "In this process it is being loaded, for 2.0 s: the loader runs; 2 callers wait.", "it is leased for")
		if len(e.Loads) != 1 || e.Loads[0].Key.Text != "user:1" || e.Loads[0].Age != 2000 {
			t.Errorf("%+v", e.Loads)
		}
		if r := get[one](f, 200, "cache", "cache", "user"); r.Running != 1 || len(r.Loads) != 1 || r.Loads[0].Waiting != 2 {
			t.Errorf("%+v", r)
		}
		if e := get[explanation](f, 200, "key", "cache", "user", "key", "2"); len(e.Loads) != 0 {
			t.Errorf("%+v", e.Loads)
		}
		close(end)
		synctest.Wait()
	})
}

// A caller that leaves is not waited for.
func TestExplainCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.redis.Hang(1000)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		w := f.ask(httptest.NewRequestWithContext(ctx, "GET", "/key?cache=user&key=1", nil))
		if took := time.Since(began); took != time.Second || w.Body.Len() != 0 {
			t.Errorf("after %v: %s", took, w.Body)
		}
	})
}

// Keys are invalidated as by Cache.Delete, by those alone who may.
func TestInvalidate(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*http.Request)
		query   []string
		status  int
		says    string
		deletes bool
	}{
		{"a key", nil, []string{"cache", "user", "key", "1"}, 200, `"deleted":true`, true},
		{"a Redis key", nil, []string{"cache", "user", "key", "user:1"}, 200, `"text":"user:1"`, true},
		{"in base64", nil, []string{"cache", "user", "key64", "MQ=="}, 200, `"deleted":true`, true},
		{"of the page", from("same-origin", ""), []string{"cache", "user", "key", "1"}, 200, `"deleted":true`, true},
		{"of another site", from("cross-site", "https://evil.example"), []string{"cache", "user", "key", "1"}, 403, "", false},
		{"of an old browser at another site", from("", "https://evil.example"), []string{"cache", "user", "key", "1"}, 403, "", false},
		{"in the address", func(r *http.Request) { r.URL.RawQuery, r.Body = "cache=user&key=1", http.NoBody }, nil, 404, "no open cache", false},
		{"no key", nil, []string{"cache", "user"}, 400, "say which key", false},
		{"no cache", nil, []string{"key", "1"}, 404, "no open cache", false},
		{"a huge form", nil, []string{"cache", "user", "key", strings.Repeat("k", 100_000)}, 400, "cannot be read", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, console.AllowInvalidate())
			if err := f.users.Set(t.Context(), "1", "v"); err != nil {
				t.Fatal(err)
			}
			w := f.invalidate(tt.change, tt.query...)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("%d, %s", w.Code, w.Body)
			}
			if _, there, err := f.users.Get(t.Context(), "1"); there == tt.deletes || err != nil {
				t.Errorf("the key is there: %v, %v", there, err)
			}
		})
	}
}

func from(site, origin string) func(*http.Request) {
	return func(r *http.Request) {
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
	}
}

// Without the option nothing is invalidated.
func TestInvalidateIsRefused(t *testing.T) {
	f := newFixture(t)
	if err := f.users.Set(t.Context(), "1", "v"); err != nil {
		t.Fatal(err)
	}
	w := f.invalidate(nil, "cache", "user", "key", "1")
	wantTexts(t, decode[problem](f, w, 403).Error, "AllowInvalidate")
	if _, there, err := f.users.Get(t.Context(), "1"); !there || err != nil {
		t.Errorf("the key is there: %v, %v", there, err)
	}
}

// A delete that Redis does not acknowledge says so, and is made up for.
func TestInvalidateWhileRedisIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, console.AllowInvalidate())
		_ = f.users.Set(t.Context(), "1", "v")
		f.redis.Down()
		w := f.invalidate(nil, "cache", "user", "key", "1")
		wantTexts(t, decode[problem](f, w, 502).Error, "It was not acknowledged", "deletes it once Redis answers")
		if r := get[overview](f, 200, "").Caches[0]; r.Undelivered != 1 {
			t.Errorf("%+v", r)
		}
		f.redis.Up()
		time.Sleep(time.Minute)
		if _, there, err := f.users.Get(t.Context(), "1"); there || err != nil {
			t.Errorf("the key is there: %v, %v", there, err)
		}
	})
}
