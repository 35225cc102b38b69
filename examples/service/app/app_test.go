package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/examples/service/app"
	"github.com/asidecache/aside/examples/service/store/storetest"
)

func want(t *testing.T, h http.Handler, path string, status int, says string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	if w.Code != status || !strings.Contains(w.Body.String(), says) {
		t.Errorf("%s: %d, %s; want %d, %s", path, w.Code, w.Body, status, says)
	}
}

func TestApp(t *testing.T) {
	server := cachetest.NewServer(t)
	rdb := app.Client(server.Options())
	st := storetest.SQLite(t)
	server.Down()
	a, err := app.New(app.Parts{Store: st, Redis: rdb, Log: slog.New(slog.DiscardHandler), Prefix: "test:"})
	if err != nil {
		t.Fatal(err)
	}
	h := a.Handler()
	want(t, h, "/healthz", 200, "")
	want(t, h, "/readyz", 503, "redis does not answer") // it has never answered
	server.Up()
	want(t, h, "/readyz", 200, "ready\n")
	want(t, h, "/users/1", 404, "not found")
	want(t, h, "/metrics", 200, `aside_requests_total{cache="test:user",result="miss",source="redis"} 1`)
	want(t, h, "/debug/aside/", 200, "<html")
	want(t, h, "/metrics", 200, `go_sql_open_connections{db_name="service"}`)

	server.Down() // for all instances: none of them is to be taken out
	want(t, h, "/readyz", 200, "ready, without Redis:\n")
	want(t, h, "/users/1", 404, "not found")
	server.Up()

	a.Drain()
	want(t, h, "/readyz", 503, "shutting down")
	if err := a.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := st.Ping(t.Context()); err == nil {
		t.Error("the database is open")
	}
	if err := rdb.Ping(t.Context()).Err(); err == nil {
		t.Error("the client is open")
	}
}

// A database that does not answer takes no instance out that has started, as the caches serve what
// they have: only one that reaches neither database nor Redis.
func TestReadyWithoutDatabase(t *testing.T) {
	server, st := cachetest.NewServer(t), storetest.SQLite(t)
	if _, err := st.AddUser(t.Context(), "Ada", "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(app.Parts{Store: st, Redis: app.Client(server.Options()), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h := a.Handler()
	want(t, h, "/users/1", 200, "Ada") // it is in Redis now
	want(t, h, "/readyz", 200, "ready\n")
	_ = st.Close()
	want(t, h, "/readyz", 200, "ready, without the database\n")
	want(t, h, "/users/1", 200, "Ada")
	server.Down()
	want(t, h, "/readyz", 503, "the database does not answer")
	server.Up()
	want(t, h, "/readyz", 200, "ready, without the database\n")
	if err := a.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// A database that has never answered does.
func TestNotReadyWithoutDatabase(t *testing.T) {
	st := storetest.SQLite(t)
	a, err := app.New(app.Parts{Store: st, Redis: app.Client(cachetest.NewServer(t).Options()), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_ = st.Close()
	want(t, a.Handler(), "/readyz", 503, "database")
	if err := a.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestRedisURL(t *testing.T) {
	for address, says := range map[string]string{
		"redis://localhost:6379/2":                               "Redis<localhost:6379 db:2>",
		"redis://localhost:6379?addr=localhost:6380":             "*redis.ClusterClient",
		"redis://localhost:26379?master_name=main&addr=other:26": "FailoverClient",
		"http://user:secret@localhost":                           "invalid URL scheme",
		"redis://user:secret@local host":                         "no URL",
	} {
		rdb, err := app.Redis(address)
		got := describe(rdb, err)
		if !strings.Contains(got, says) || strings.Contains(got, "secret") {
			t.Errorf("%s: %s, want %s", address, got, says)
		}
		if rdb != nil {
			_ = rdb.Close()
		}
	}
}

func describe(rdb redis.UniversalClient, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%T %v", rdb, rdb)
}
