package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/cache/console"
	ldr "github.com/asidecache/aside/loader"
)

// A fixture is a cache of strings and a console of it.
type fixture struct {
	t       testing.TB
	redis   *cachetest.Server
	caches  *cache.Registry
	users   *cache.Cache[string, string]
	handler http.Handler
}

func newFixture(t testing.TB, opts ...console.Option) *fixture {
	t.Helper()
	f := &fixture{t: t, redis: cachetest.NewServer(t), caches: new(cache.Registry)}
	f.handler = console.Handler(f.caches, opts...)
	f.users = f.open(f.redis.Client(), cache.Config[string, string]{Name: "user"})
	return f
}

func (f *fixture) open(rdb redis.UniversalClient, cfg cache.Config[string, string]) *cache.Cache[string, string] {
	f.t.Helper()
	cfg.TTL, cfg.Registry, cfg.Jitter = time.Hour, f.caches, -1
	c, err := cache.New(rdb, cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	return c
}

// ask sends a request as a program does.
func (f *fixture) ask(r *http.Request) *httptest.ResponseRecorder {
	r.Header.Set("Accept", "application/json")
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

// get asks for a path and decodes the answer, which is to have a status.
func get[T any](f *fixture, status int, path string, query ...string) (v T) {
	f.t.Helper()
	w := f.ask(httptest.NewRequest("GET", "/debug/aside/"+path+"?"+values(query).Encode(), nil))
	return decode[T](f, w, status)
}

func decode[T any](f *fixture, w *httptest.ResponseRecorder, status int) (v T) {
	f.t.Helper()
	if w.Code != status {
		f.t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		f.t.Errorf("Content-Type %q", got)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		f.t.Errorf("%v: %s", err, w.Body)
	}
	return v
}

func values(query []string) url.Values {
	v := url.Values{}
	for i := 0; i < len(query); i += 2 {
		v.Set(query[i], query[i+1])
	}
	return v
}

// invalidate posts a key.
func (f *fixture) invalidate(change func(*http.Request), query ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/debug/aside/invalidate", strings.NewReader(values(query).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(r)
	}
	return f.ask(r)
}

// Answers, as far as tests look at them.
type (
	problem struct{ Error string }
	key     struct {
		Text   string
		Base64 []byte
		Cut    bool
	}
	quantiles struct {
		P50   time.Duration `json:"p50_ns"`
		P99   time.Duration `json:"p99_ns"`
		Count int
	}
	counts struct {
		RedisHits int `json:"redis_hits"`
		Misses    int
		Loads     int
		Errors    int
	}
	row struct {
		ID, Name, Client, Breaker, Near string
		Version, Running, Undelivered   int
		Counts                          counts
		Lookup, Load                    quantiles
	}
	overview struct {
		Invalidate, Values bool
		Caches             []row
	}
	event struct {
		At         time.Time
		Kind, Text string
		Key        key
		Times      int
	}
	running struct {
		Key              key
		Phase            string
		Age              int `json:"age_ms"`
		Waiting, Callers int
	}
	one struct {
		row
		Stats    cache.Stats
		Loads    []running
		Failures []event
		HotKeys  []struct{ Key key } `json:"hot_keys"`
	}
	explanation struct {
		Cache     string
		Key       key
		Error     string
		Near      bool
		Redis     *struct{ Sentences []string }
		Loads     []running
		Events    []event
		Sentences []string
	}
)

func (e *explanation) texts() string {
	all := e.Sentences
	if e.Redis != nil {
		all = append(all, e.Redis.Sentences...)
	}
	for _, event := range e.Events {
		all = append(all, event.Text)
	}
	return strings.Join(append(all, e.Error), "\n")
}

func wantTexts(t testing.TB, got string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(got, w) {
			t.Errorf("nothing says %q:\n%s", w, got)
		}
	}
}

func loader(v string, err error) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return v, err }
}

type loaderEntry = ldr.Entry[string]
