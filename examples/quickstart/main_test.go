package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// The story has to come out as it is told in the README: one load for a thousand
// callers, none for what is known.
func TestStory(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, ""); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"a Redis inside this process",
		"email    user42@example.com",
		"logins   7",
		", no query, read at",
		"for all, 1 query",
		", 1 query, loader: not found",
		", no query, loader: not found",
		"and 4 loads asked the database",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the story does not say %q:\n%s", line, out.String())
		}
	}
}

// What is wrong with the Redis of REDIS_URL is said in a sentence, and the story is
// told all the same.
func TestRedisURL(t *testing.T) {
	open := miniredis.RunT(t)
	secret := miniredis.RunT(t)
	secret.RequireAuth("secret")
	refusing := func(commands, answer string) string {
		m := miniredis.RunT(t)
		m.Server().SetPreHook(func(c *server.Peer, got string, _ ...string) bool {
			refused := strings.Contains(commands, got)
			if refused {
				c.WriteError(answer)
			}
			return refused
		})
		return "redis://" + m.Addr()
	}
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	for _, tt := range []struct{ name, url, want string }{
		{"bad scheme", "http://user:secret@localhost", "no URL of a Redis"},
		{"bad URL", "redis://user:secret@local host", "no URL of a Redis"},
		{"closed port", "redis://127.0.0.1:1", "nobody listens at 127.0.0.1:1"},
		{"HTTP", "redis://" + web.Listener.Addr().String(), "does not speak as a Redis does"},
		{"no password", "redis://" + secret.Addr(), "wants a password"},
		{"wrong password", "redis://:guess@" + secret.Addr(), "does not accept this user with this password"},
		{"no scripts", refusing("EVAL EVALSHA", "NOPERM this user has no permissions to run the 'evalsha' command"), "does not allow this user"},
		{"all is well", "redis://" + open.Addr(), "aside, on the Redis at " + open.Addr()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantStory(t, tt.url, tt.want)
		})
	}
}

// wantStory checks that the story is told to its end with the Redis of url, if that can be
// used, and that the output says want and no password.
func wantStory(t *testing.T, url, want string) {
	t.Helper()
	var out strings.Builder
	err := run(t.Context(), &out, url)
	if err != nil || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "and 4 loads asked the database") ||
		strings.Contains(out.String(), "secret") {
		t.Errorf("error %v, and it does not say %q:\n%s", err, want, out.String())
	}
}
