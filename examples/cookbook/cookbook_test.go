package cookbook

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
)

// table is a source.
type table struct {
	rows    map[int64]User
	queries int
	err     error
}

func (t *table) User(_ context.Context, id int64) (User, error) {
	t.queries++
	u, ok := t.rows[id]
	if !ok && t.err == nil {
		return u, cache.ErrNotFound
	}
	return u, t.err
}

func (t *table) Users(_ context.Context, ids []int64) (map[int64]User, error) {
	t.queries++
	found := make(map[int64]User)
	for _, id := range ids {
		if u, ok := t.rows[id]; ok {
			found[id] = u
		}
	}
	return found, t.err
}

func people() *table {
	return &table{rows: map[int64]User{1: {1, "Ada"}, 2: {2, "Grace"}, 3: {3, "Edsger"}}}
}

func openUsers(t *testing.T, server *cachetest.Server) *cache.Cache[int64, User] {
	t.Helper()
	return cachetest.NewOn(t, server, cache.Config[int64, User]{Name: "user", TTL: time.Minute})
}

func users(t *testing.T) *cache.Cache[int64, User] {
	t.Helper()
	return openUsers(t, cachetest.NewServer(t))
}

// must returns a cache that was made, which is closed with the test.
func must[K comparable, V any](t *testing.T) func(*cache.Cache[K, V], error) *cache.Cache[K, V] {
	return func(c *cache.Cache[K, V], err error) *cache.Cache[K, V] {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

func equal[V comparable](t *testing.T, what string, got, want V) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestServeUser(t *testing.T) {
	db := people()
	mux := http.NewServeMux()
	mux.Handle("GET /users/{id}", ServeUser(users(t), db))
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	equal(t, "the answer", get("/users/1").Body.String(), "{\"ID\":1,\"Name\":\"Ada\"}\n")
	for path, code := range map[string]int{"/users/1": 200, "/users/404": 404, "/users/x": 400} {
		equal(t, path, get(path).Code, code)
	}
	db.err = errors.New("down")
	equal(t, "without a database", get("/users/2").Code, 503)
	db.err = context.DeadlineExceeded
	equal(t, "with a slow database", get("/users/3").Code, 504)
}

func TestGetUser(t *testing.T) {
	s := &UserServer{users(t), people()}
	u, err := s.GetUser(t.Context(), &GetUserRequest{1})
	if err != nil || u.Name != "Ada" {
		t.Errorf("GetUser: %v, %v", u, err)
	}
	for _, tt := range []struct {
		err  error
		code codes.Code
	}{
		{cache.ErrNotFound, codes.NotFound}, {context.DeadlineExceeded, codes.DeadlineExceeded},
		{context.Canceled, codes.Canceled}, {cache.ErrRedis, codes.Unavailable},
	} {
		equal(t, tt.err.Error(), CodeOf(tt.err), tt.code)
	}
}

func TestNames(t *testing.T) {
	db := people()
	c := users(t)
	for range 2 {
		names, err := Names(t.Context(), c, db, []int64{3, 404, 1})
		if err != nil || !slices.Equal(names, []string{"Edsger", "Ada"}) {
			t.Errorf("names are %v, %v", names, err)
		}
	}
	equal(t, "the number of queries", db.queries, 1)
}

func TestReadPage(t *testing.T) {
	server, db := cachetest.NewServer(t), people()
	pages := must[Page, []int64](t)(NewPages(server.Client()))
	query := func(context.Context, Page) ([]int64, error) { return []int64{2, 404, 1}, nil }
	rows, err := ReadPage(t.Context(), pages, openUsers(t, server), db, Page{"newest", 1}, query)
	if err != nil || len(rows) != 2 || rows[0].Name != "Grace" {
		t.Errorf("the page has %v, %v", rows, err)
	}
}

func TestAccessToken(t *testing.T) {
	server := cachetest.NewServer(t)
	tokens := cachetest.NewOn(t, server, cache.Config[string, string]{Name: "token", TTL: time.Hour, Jitter: -1})
	issued, left := 0, 20*time.Minute
	issue := func(context.Context, string) (Token, error) {
		issued++
		return Token{"t0ken", time.Now().Add(left)}, nil
	}
	for range 2 {
		if v, err := AccessToken(t.Context(), tokens, "read", issue); v != "t0ken" || err != nil {
			t.Errorf("the token is %q, %v", v, err)
		}
	}
	equal(t, "the number of tokens issued", issued, 1)
	e, err := tokens.Entry(t.Context(), "read")
	if err != nil || e.TTL > 19*time.Minute+30*time.Second || e.TTL < 18*time.Minute {
		t.Errorf("the token is kept for %v, %v", e.TTL, err)
	}
	left = 10 * time.Second
	for range 2 {
		_, _ = AccessToken(t.Context(), tokens, "write", issue)
	}
	equal(t, "with those that end soon", issued, 3)
}

func TestTenants(t *testing.T) {
	server := cachetest.NewServer(t)
	c := must[TenantUser, User](t)(NewTenantUsers(server.Client()))
	load := LoadTenantUser(func(_ context.Context, tenant string, id int64) (User, error) {
		return User{id, "Ada of " + tenant}, nil
	})
	for _, tenant := range []string{"acme", "initech"} {
		u, err := c.GetOrSet(t.Context(), TenantUser{tenant, 42}, load)
		if err != nil || u.Name != "Ada of "+tenant {
			t.Errorf("%s has %v, %v", tenant, u, err)
		}
	}
	equal(t, "the key", c.RedisKey(TenantUser{"acme", 42}), "tenant-user:acme:42")
	own := must[int64, User](t)(NewUsersOf(server.Client(), "acme"))
	_, _ = own.GetOrSet(t.Context(), 42, people().User)
	equal(t, "the key", own.RedisKey(42), "acme:user:42")
}

func TestLeaderboard(t *testing.T) {
	queries := 0
	board, err := NewLeaderboard(cachetest.NewServer(t).Client(), func(context.Context, string) ([]codec.Scored[string], error) {
		queries++
		return []codec.Scored[string]{{Elem: "ada", Score: 10}, {Elem: "grace", Score: 20}, {Elem: "edsger", Score: 5}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = board.whole.Close(), board.players.Close() })
	if err := board.Scored(t.Context(), "chess", "ada", 11); err != nil { // of which there is no board yet
		t.Error(err)
	}
	top := func() string {
		best, err := board.Top(t.Context(), "chess", 2)
		if err != nil || len(best) != 2 {
			t.Fatalf("the best are %v, %v", best, err)
		}
		return best[0].Elem + " " + best[1].Elem
	}
	equal(t, "the top", top(), "grace ada")
	if err := board.Scored(t.Context(), "chess", "edsger", 30); err != nil {
		t.Error(err)
	}
	equal(t, "the top", top(), "edsger grace")
	equal(t, "the number of queries", queries, 1)
}

func TestProfiles(t *testing.T) {
	whole, fields, err := NewProfiles(cachetest.NewServer(t).Client())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = whole.Close(), fields.Close() })
	load := func(context.Context, int64) (Profile, error) { return Profile{"Ada", "old@example.com", 7}, nil }
	if err := SetEmail(t.Context(), fields, 42, "none@example.com"); err != nil {
		t.Error(err)
	}
	n, err := NameOf(t.Context(), whole, 42, load)
	if n != "Ada" || err != nil {
		t.Errorf("the name is %q, %v", n, err)
	}
	if err := SetEmail(t.Context(), fields, 42, "new@example.com"); err != nil {
		t.Error(err)
	}
	p, err := whole.GetOrSet(t.Context(), 42, load)
	if p != (Profile{"Ada", "new@example.com", 7}) || err != nil {
		t.Errorf("the profile is %v, %v", p, err)
	}
}

func TestFlags(t *testing.T) {
	flags := must[string, Flag](t)(NewFlags(cachetest.NewServer(t).Client(), cache.TTLOnly))
	on := func(context.Context, string) (Flag, error) { return Flag{On: true}, nil }
	for range 3 {
		equal(t, "the flag", IsOn(t.Context(), flags, "new-checkout", on), true)
	}
	equal(t, "the number of hits in memory", flags.Stats().NearHits, 1)
	none := func(context.Context, string) (Flag, error) { return Flag{On: true}, cache.ErrNotFound }
	equal(t, "a flag that does not exist", IsOn(t.Context(), flags, "none", none), false)
}

func TestWarm(t *testing.T) {
	c, db := users(t), &table{rows: make(map[int64]User)}
	var ids []int64
	for id := range int64(250) {
		ids = append(ids, id)
		db.rows[id] = User{id, "one of many"}
	}
	for range 2 {
		if err := Warm(t.Context(), c, db, ids); err != nil {
			t.Error(err)
		}
	}
	equal(t, "the number of queries", db.queries, 3)
}

func TestUsersV2(t *testing.T) {
	server, db := cachetest.NewServer(t), people()
	if _, err := openUsers(t, server).GetOrSet(t.Context(), 1, db.User); err != nil {
		t.Error(err)
	}
	newer := must[int64, UserV2](t)(NewUsersV2(server.Client()))
	u, err := newer.GetOrSet(t.Context(), 1, func(context.Context, int64) (UserV2, error) { return UserV2{}, errors.New("not to be asked") })
	if u.FullName != "Ada" || err != nil {
		t.Errorf("the user is %v, %v", u, err)
	}
}

func TestProbesAndStop(t *testing.T) {
	server := cachetest.NewServer(t)
	caches := new(cache.Registry)
	must[int64, User](t)(cache.New(server.Client(), cache.Config[int64, User]{Name: "user", TTL: time.Minute, Registry: caches}))
	probe := func(path string) int {
		w := httptest.NewRecorder()
		Probes(caches).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code
	}
	equal(t, "the start", probe("/startupz"), 200)
	server.Down()
	for path, code := range map[string]int{"/livez": 200, "/readyz": 200, "/startupz": 503} {
		equal(t, path, probe(path), code)
	}
	rdb := NewRedis("localhost:1")
	if err := Stop(new(http.Server), caches, rdb, closer{}); err != nil {
		t.Error(err)
	}
	equal(t, "the number of caches", len(caches.Caches()), 0)
}

type closer struct{}

func (closer) Close() error { return nil }
