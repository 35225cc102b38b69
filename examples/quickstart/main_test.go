package main

import (
	"strings"
	"testing"
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

func TestRedisURL(t *testing.T) {
	for url, want := range map[string]string{
		"http://localhost":      "REDIS_URL",
		"redis://127.0.0.1:1/0": "does not answer",
	} {
		if err := run(t.Context(), new(strings.Builder), url); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}
