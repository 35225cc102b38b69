package console_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/cache/console"
)

// Browsers get the page and its parts, wherever the handler is mounted; programs get JSON.
func TestPaths(t *testing.T) {
	f := newFixture(t)
	mux := http.NewServeMux()
	mux.Handle("/debug/aside/", f.handler)
	mux.Handle("/a/b/", http.StripPrefix("/a/b/", f.handler))
	mux.Handle("/c/", http.StripPrefix("/c", f.handler))
	mux.Handle("/d", http.StripPrefix("/d", f.handler))
	for _, tt := range []struct {
		method, path, accept string
		status               int
		kind, body           string
	}{
		{"GET", "/debug/aside/", "text/html,*/*", 200, "text/html; charset=utf-8", "<!doctype html>"},
		{"GET", "/debug/aside/cache?cache=user", "text/html,*/*", 200, "text/html; charset=utf-8", "<!doctype html>"},
		{"GET", "/debug/aside/key?cache=user&key=1", "*/*", 200, "text/html; charset=utf-8", "<!doctype html>"},
		{"HEAD", "/debug/aside/", "", 200, "text/html; charset=utf-8", ""},
		{"GET", "/debug/aside/console.js", "*/*", 200, "text/javascript; charset=utf-8", "import"},
		{"GET", "/debug/aside/console.css", "*/*", 200, "text/css; charset=utf-8", ":root"},
		{"GET", "/debug/aside/icon.svg", "*/*", 200, "image/svg+xml", "<svg"},
		{"GET", "/a/b/?x=1", "*/*", 200, "text/html; charset=utf-8", "<!doctype html>"},
		{"GET", "/a/b/charts.js", "*/*", 200, "text/javascript; charset=utf-8", "import"},
		{"GET", "/c/", "*/*", 200, "text/html; charset=utf-8", "<!doctype html>"},
		{"GET", "/c/", "application/json", 200, "application/json", `"id":"user"`},
		{"GET", "/d?x=1", "*/*", 301, "", ""},
		{"GET", "/debug/aside/", "application/json", 200, "application/json", `"id":"user"`},
		{"GET", "/debug/aside/cache?cache=user", "application/json", 200, "application/json", `"stats":{"Hits":0`},
		{"GET", "/debug/aside/cache?cache=none", "application/json", 404, "application/json", `there is no open cache \"none\"`},
		{"GET", "/debug/aside/cache", "application/json", 404, "application/json", `there is no open cache`},
		{"GET", "/debug/aside/key?cache=user", "application/json", 400, "application/json", `say which key`},
		{"GET", "/debug/aside/key?cache=user&key64=%20", "application/json", 400, "application/json", `base64`},
		{"GET", "/debug/aside/key?cache=user&key=" + strings.Repeat("k", 17000), "application/json", 400, "application/json", `longer than`},
		{"GET", "/debug/aside/none", "*/*", 404, "application/json", "no such page"},
		{"GET", "/debug/aside/doc.go", "*/*", 404, "application/json", "no such page"},
		{"POST", "/debug/aside/", "*/*", 405, "application/json", "use GET"},
		{"GET", "/debug/aside/invalidate", "*/*", 405, "application/json", "use POST"},
	} {
		r := httptest.NewRequest(tt.method, tt.path, nil)
		r.Header.Set("Accept", tt.accept)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if kind := w.Header().Get("Content-Type"); w.Code != tt.status || tt.kind != "" && kind != tt.kind || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%s %.60s (%s): %d, %s, %.200s", tt.method, tt.path, tt.accept, w.Code, kind, w.Body)
		}
		if to := w.Header().Get("Location"); tt.status == 301 && to != "./d/" {
			t.Errorf("it redirects to %q", to)
		}
		policy := w.Header().Get("Content-Security-Policy")
		if tt.status != 301 && (!strings.Contains(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "unsafe") ||
			w.Header().Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("%s: %v", tt.path, w.Header())
		}
	}
}

// What a cache does is counted, and the latencies of its lookups while somebody looks.
func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		_, _ = f.users.GetOrSet(t.Context(), "1", loader("v", nil))
		if r := get[overview](f, 200, "").Caches[0]; r.Lookup.Count != 0 || r.Load.Count != 1 || r.Counts != (counts{Misses: 1, Loads: 1}) {
			t.Errorf("%+v", r)
		}
		for range 100 {
			_, _, _ = f.users.Get(t.Context(), "1")
			time.Sleep(time.Millisecond)
		}
		_, err := f.users.GetOrSet(t.Context(), "slow", func(context.Context, string) (string, error) {
			time.Sleep(2 * time.Second)
			return "", errors.New("broken")
		})
		r := get[one](f, 200, "cache", "cache", "user")
		if err == nil || r.Counts != (counts{RedisHits: 100, Misses: 2, Loads: 2, Errors: 1}) || r.Load.P99 < 2*time.Second || r.Load.P99 > 2300*time.Millisecond {
			t.Errorf("%v, %+v", err, r.row)
		}
		if r.Stats.Hits != 100 || r.Client != "cachetest:6379/0" || r.Breaker != "closed" || r.Near != "off" {
			t.Errorf("%+v", r)
		}
		if len(r.Failures) != 1 || r.Failures[0].Text != "The loader failed after 2.0 s: broken." || r.Failures[0].Key.Text != "user:slow" {
			t.Errorf("%+v", r.Failures)
		}
		time.Sleep(time.Minute)
		if r := get[one](f, 200, "cache", "cache", "user"); r.Load.Count != 0 || r.Lookup.Count != 0 {
			t.Errorf("a minute later: %+v", r.row)
		}
	})
}

// The observation of lookups ends half a minute after the last poll.
func TestLookupsAreObservedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		lookups := func() int {
			time.Sleep(time.Millisecond)
			_, _, _ = f.users.Get(t.Context(), "1")
			return get[explanation](f, 200, "key", "cache", "user", "key", "1").count("lookup")
		}
		lookups()
		for want := 1; want <= 3; want++ {
			time.Sleep(29 * time.Second)
			if n := lookups(); n != want {
				t.Errorf("%d lookups, want %d", n, want)
			}
		}
		time.Sleep(31 * time.Second)
		if n := lookups(); n != 3 {
			t.Errorf("%d lookups, want 3", n)
		}
	})
}

func (e explanation) count(kind string) (n int) {
	for _, event := range e.Events {
		if event.Kind == kind {
			n++
		}
	}
	return n
}

// Caches that have all in common are told apart by names that stay, and that a cache gives back.
func TestNames(t *testing.T) {
	f := newFixture(t)
	names := func() string {
		var all []string
		for _, r := range get[overview](f, 200, "").Caches {
			all = append(all, r.ID)
		}
		return strings.Join(all, " ")
	}
	second := f.open(cachetest.NewServer(t).Client(), cache.Config[string, string]{Name: "user"})
	f.open(f.redis.Client(), cache.Config[string, string]{Name: "user", Version: 3})
	if got := names(); got != "user user#2 user@3" {
		t.Errorf("the names are %q", got)
	}
	if err := second.Set(t.Context(), "1", "v"); err != nil {
		t.Fatal(err)
	}
	_ = f.users.Close()
	wantTexts(t, get[problem](f, 404, "key", "cache", "user", "key", "1").Error, "there is no open cache")
	e := get[explanation](f, 200, "key", "cache", "user#2", "key", "1")
	wantTexts(t, e.texts(), "There is a value", "Stored, 1 bytes, for 60 min, by Set.")
	f.open(f.redis.Client(), cache.Config[string, string]{Name: "user"})
	if got := names(); got != "user#2 user user@3" {
		t.Errorf("the names are %q", got)
	}
}

// Values are shown to nobody without the option, and are in no event.
func TestShowValues(t *testing.T) {
	const secret = "s3cret"
	for _, shows := range []bool{false, true} {
		var opts []console.Option
		if shows {
			opts = append(opts, console.ShowValues())
		}
		f := newFixture(t, opts...)
		_, _ = f.users.GetOrSet(t.Context(), "1", loader(secret, nil))
		_, _, _ = f.users.Get(t.Context(), "1")
		for _, path := range []string{"", "cache", "key"} {
			w := f.ask(httptest.NewRequest("GET", "/"+path+"?cache=user&key=1", nil))
			if shown := strings.Contains(w.Body.String(), secret); shown != (shows && path == "key") {
				t.Errorf("ShowValues: %v, %q shows it: %v", shows, path, shown)
			}
		}
		if o := get[overview](f, 200, ""); o.Values != shows {
			t.Errorf("%+v", o)
		}
	}
}

// Polls, explanations and invalidations go on at one time with the work of the caches.
func TestConcurrentUse(t *testing.T) {
	f := newFixture(t, console.AllowInvalidate())
	ctx, cancel := context.WithCancel(context.Background())
	var work, polls sync.WaitGroup
	for i := range 3 {
		work.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, _ = f.users.GetOrSet(ctx, fmt.Sprint(n%20), loader("v", nil))
				if n%50 == i {
					c, err := cache.New(f.redis.Client(), cache.Config[string, string]{Name: "other", TTL: time.Hour, Registry: f.caches})
					if err == nil {
						_ = c.Set(ctx, "k", "v")
						_ = c.Close()
					}
				}
			}
		})
	}
	for range 4 {
		polls.Go(func() {
			for n := range 30 {
				get[overview](f, 200, "")
				get[one](f, 200, "cache", "cache", "user")
				get[explanation](f, 200, "key", "cache", "user", "key", fmt.Sprint(n%20))
				f.invalidate(nil, "cache", "user", "key", fmt.Sprint(n%20))
			}
		})
	}
	polls.Wait()
	cancel()
	work.Wait()
}

// A Redis that does not answer keeps nobody from polling.
func TestPollsDoNotAskRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		_ = f.users.Set(t.Context(), "1", "v")
		f.redis.Hang(1000)
		explained := make(chan explanation)
		began := time.Now()
		go func() { explained <- get[explanation](f, 200, "key", "cache", "user", "key", "1") }()
		synctest.Wait()
		get[overview](f, 200, "")
		get[one](f, 200, "cache", "cache", "user")
		if took := time.Since(began); took != 0 {
			t.Errorf("a poll took %v", took)
		}
		e := <-explained
		wantTexts(t, e.texts(), "Nobody knows what Redis has of the key: redis does not answer: no answer within RedisTimeout, 3s.", "Stored, 1 bytes")
		if e.Redis != nil {
			t.Errorf("%+v", e)
		}
	})
}
