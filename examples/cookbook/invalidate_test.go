package cookbook

import (
	"os"
	"os/exec"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// program returns the path of a program that runs a check. CI has all of them.
func program(t *testing.T, name string, check ...string) string {
	t.Helper()
	if exec.Command(name, check...).Run() != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s %v fails", name, check)
		}
		t.Skipf("%s %v fails", name, check)
	}
	return name
}

// Programs in other languages invalidate a row, and that there is none.
func TestInvalidate(t *testing.T) {
	for language, run := range map[string]func(t *testing.T, port string) *exec.Cmd{
		"Python": func(t *testing.T, port string) *exec.Cmd {
			python := program(t, "/usr/bin/python3", "-c", "import redis")
			return exec.Command(python, "invalidate.py", "redis://127.0.0.1:"+port, "user:1", "user:4")
		},
		"Node.js": func(t *testing.T, port string) *exec.Cmd {
			return exec.Command(program(t, "node", "--version"), "invalidate_test.mjs", port, "user:1", "user:4")
		},
	} {
		t.Run(language, func(t *testing.T) {
			server := miniredis.RunT(t)
			rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
			defer rdb.Close()
			users := must[int64, User](t)(NewUsersFromGetAndSet(rdb))
			db := people()
			for range 2 {
				_, _ = users.GetOrSet(t.Context(), 1, db.User)
				_, _ = users.GetOrSet(t.Context(), 4, db.User)
			}
			equal(t, "the number of queries", db.queries, 2)
			db.rows[1], db.rows[4] = User{1, "Augusta"}, User{4, "Barbara"}
			if out, err := run(t, server.Port()).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for id, want := range map[int64]string{1: "Augusta", 4: "Barbara"} {
				u, err := users.GetOrSet(t.Context(), id, db.User)
				if u.Name != want || err != nil {
					t.Errorf("the user is %v, %v, want %s", u, err, want)
				}
			}
		})
	}
}

// The keys of a cache are those of the programs before it.
func TestKeysStay(t *testing.T) {
	c := users(t)
	equal(t, "the key", c.RedisKey(42), userKey(42))
}
