package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/asidecache/aside/examples/service/store"
	"github.com/asidecache/aside/examples/service/store/storetest"
	"github.com/asidecache/aside/internal/redistest"
)

// This program is also the second instance that the page starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-demo" {
		main()
		os.Exit(0)
	}
	storetest.Main(m)
}

// A running program, and what has become of it.
type running struct {
	base string
	stop func() error
}

// start runs the program until the test ends, or stop is called.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, says := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, args, strings.NewReader(""), says, io.Discard)
		_ = says.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(out)
	var r running
	for r.base == "" && lines.Scan() {
		r.base, _ = strings.CutPrefix(lines.Text(), "listening on ")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	stopped := false
	r.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	if r.base == "" {
		t.Fatal("it does not listen")
	}
	return &r
}

// ask sends a request, and returns the status and the body.
func (r *running) ask(t *testing.T, method, path string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, r.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (r *running) want(t *testing.T, method, path string, status int, says string) string {
	t.Helper()
	got, body := r.ask(t, method, path)
	if got != status || !strings.Contains(body, says) {
		t.Errorf("%s %s: %d, %s; want %d, %s", method, path, got, body, status, says)
	}
	return body
}

var queries = regexp.MustCompile(`: (\d+) quer.* with aside, .*; (\d+) quer`)

// stampede has the page send one, which the database must not feel.
func (r *running) stampede(t *testing.T) {
	t.Helper()
	said := r.want(t, "POST", "/demo/do/stampede", 200, "Stampede")
	m := queries.FindStringSubmatch(said)
	if m == nil {
		t.Fatal(said)
	}
	aside, _ := strconv.Atoi(m[1]) // the pattern has digits alone
	plain, _ := strconv.Atoi(m[2])
	if aside == 0 || aside > 10 || plain <= aside { // 1, where Redis answers in time
		t.Error(said)
	}
}

func TestPage(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	t.Setenv("REDIS_URL", "")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	r := start(t)
	r.want(t, "GET", "/users/1", 200, "User 1")
	r.want(t, "POST", "/demo/do/rate?to=10", 200, "10 requests") // which a busy machine can bear
	r.want(t, "GET", "/plain/users/1", 200, "User 1")
	r.want(t, "GET", "/", 200, "aside at work") // a redirect
	r.want(t, "GET", "/readyz", 200, "ready\n")
	r.want(t, "GET", "/metrics", 200, "aside_requests_total")
	for path, says := range map[string]string{"": "<!doctype html>", "page.js": "use strict", "page.css": "color", "icon.svg": "svg"} {
		r.want(t, "GET", "/demo/"+path, 200, says)
	}

	r.stampede(t)
	r.want(t, "POST", "/demo/do/change", 200, "With aside 0 of ")
	r.want(t, "POST", "/demo/do/redis?to=frozen", 200, "frozen")
	r.want(t, "GET", "/users/2", 200, "id")
	r.want(t, "POST", "/demo/do/redis?to=stopped", 200, "stopped")
	r.want(t, "GET", "/users/2", 200, "id")
	r.want(t, "POST", "/demo/do/redis?to=up", 200, "again")
	r.want(t, "POST", "/demo/do/database?to=slow", 200, "300 ms")
	r.want(t, "POST", "/demo/do/database?to=normal", 200, "20 ms")
	r.want(t, "POST", "/demo/do/instance?to=start", 200, "second instance")
	r.want(t, "POST", "/demo/do/instance?to=start", 400, "nothing to start")
	r.stampede(t)
	r.want(t, "POST", "/demo/do/instance?to=stop", 200, "shut down")
	for _, wrong := range []string{"redis?to=gone", "database?to=", "rate?to=many", "instance?to=stop", "nothing"} {
		r.want(t, "POST", "/demo/do/"+wrong, 400, "")
	}

	var state struct {
		Samples []struct{ N int }
		Events  []struct{ Text string }
		Redis   string
	}
	body := r.want(t, "GET", "/demo/state", 200, "SQLite")
	if err := json.Unmarshal([]byte(body), &state); err != nil || len(state.Samples) == 0 || len(state.Events) != 8 || state.Redis != "up" {
		t.Errorf("%v: %s", err, body)
	}
	if status, _ := r.ask(t, "POST", "/demo/do/redis?to=stopped", "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("another site's page may stop Redis: %d", status)
	}
	r.want(t, "POST", "/demo/do/instance?to=start", 200, "second instance") // which ends with the page
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "aside-demo-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %s, %v", left, err)
	}
}

// The page on a real database and a real Redis leaves nothing behind in either.
func TestPageOnServers(t *testing.T) {
	address := storetest.Postgres(t)
	rdb := redistest.Servers(t)[0].StartCalm(t, redistest.Standalone)
	t.Setenv("DATABASE_URL", address)
	t.Setenv("REDIS_URL", "redis://"+rdb.Nodes()[0].Addr)
	r := start(t)
	r.want(t, "GET", "/demo/state", 200, "PostgreSQL")
	r.want(t, "GET", "/users/1", 200, "User 1")
	r.want(t, "POST", "/demo/do/rate?to=10", 200, "10 requests")
	r.want(t, "POST", "/demo/do/change", 200, "With aside 0 of ")
	r.want(t, "POST", "/demo/do/instance?to=start", 200, "second instance")
	r.stampede(t)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	s, err := store.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var schemas int
	if err := s.DB().QueryRow("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'aside_demo_%'").Scan(&schemas); err != nil || schemas != 0 {
		t.Errorf("%d schemas are left, %v", schemas, err)
	}
}

// The service alone uses what it is given, and demands it.
func TestAlone(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	t.Setenv("REDIS_URL", "")
	if err := run(t.Context(), []string{"-demo", "off"}, nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "DATABASE_URL") {
		t.Errorf("without a database: %v", err)
	}
	rdb := redistest.Servers(t)[0].StartCalm(t, redistest.Standalone)
	t.Setenv("DATABASE_URL", "sqlite:"+filepath.ToSlash(filepath.Join(t.TempDir(), "service.db")))
	t.Setenv("REDIS_URL", "redis://"+rdb.Nodes()[0].Addr)
	r := start(t, "-demo", "off")
	r.want(t, "GET", "/readyz", 200, "ready\n")
	r.want(t, "GET", "/users/1", 404, "not found")
	r.want(t, "GET", "/demo/", 404, "")
	resp, err := http.Post(r.base+"/users", "application/json", strings.NewReader(`{"name": "Ada", "email": "ada@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	r.want(t, "GET", "/users/1", 200, "Ada")
}
