package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

var update = flag.Bool("update", false, "write testdata anew")

// asMain makes the test program the program itself, for tests that send it signals.
const asMain = "ASIDE_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	redistest.Main(m)
}

// A result is what one run of the program has printed, and its exit code.
type result struct {
	code           int
	stdout, stderr string
}

// aside runs the program.
func aside(t testing.TB, url, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := func(name string) string {
		if name == "REDIS_URL" {
			return url
		}
		return ""
	}
	code := run(t.Context(), args, env, strings.NewReader(stdin), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// filled is a miniredis with keys of some caches.
func filled(t testing.TB) (url string, m *miniredis.Miniredis) {
	t.Helper()
	m = miniredis.RunT(t)
	for key, value := range map[string]string{
		"user:42": "Ada", "user:43": "Bob", "user@2{user:42}": "Ada", "aside:{user:42}": "L0123456789abcdef",
		"aside:{user:44}": "N", "user@prefix": "aside:", "order:7": strings.Repeat("x", 100), "user:a b\n": "x",
		"aside:0badcafe{user:42}": "staged", "plain": "y",
	} {
		if err := m.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	m.SetTTL("user:42", 597e9)
	m.SetTTL("aside:{user:42}", 12e8)
	m.SetTTL("aside:{user:44}", 40e9)
	m.HSet("profile:1", "name", "Ada")
	return "redis://" + m.Addr(), m
}

// golden runs the program as each line of the arguments says, and compares what it prints.
func golden(t *testing.T, name string, lines []string, runLine func(args []string) result) {
	t.Helper()
	var got strings.Builder
	for _, line := range lines {
		r := runLine(strings.Fields(line))
		got.WriteString("$ aside " + line + "\n" + r.stdout)
		if r.stderr != "" {
			got.WriteString("stderr: " + r.stderr)
		}
		got.WriteString("exit code " + string(rune('0'+r.code)) + "\n\n")
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s differs, -update writes it anew; got\n%s", file, got.String())
	}
}

func TestHelp(t *testing.T) {
	golden(t, "help.txt", []string{
		"-h", "inspect -h", "watch -h", "keys -h", "delete -h", "du -h",
	}, func(args []string) result { return aside(t, "", "", args...) })
}

func TestUsageErrors(t *testing.T) {
	golden(t, "usage.txt", []string{
		"", "look user:42", "inspect", "inspect user:42", "-url redis://u:secret@h:x inspect k",
		"-url http://u:secret@h inspect k", "-url redis://:secret@h/x inspect k",
		"-url redis://:secret@h?none=1 inspect k", "-url redis://:secret@h:6379?master_name= inspect k",
		"-url redis://h keys", "-url redis://h keys a b", "-url redis://h keys -name user x",
		"-url redis://h inspect user:42 -json", "-url redis://h -timeout x inspect k",
		"-url redis://h -timeout 0s inspect k", "-url redis://h -prefix aside inspect k",
		"-url redis://h du -sample 0", "-url redis://h du a b", "-url redis://h watch",
		"-url redis://h delete aside:{user:42}", "-url redis://h delete aside:x", "-url redis://h -x",
	}, func(args []string) result {
		r := aside(t, "", "", args...)
		if strings.Contains(r.stderr+r.stdout, "secret") {
			t.Errorf("%q tells the password: %s", args, r.stderr)
		}
		return r
	})
}

// What the commands print stands in testdata.
func TestOutput(t *testing.T) {
	url, _ := filled(t)
	golden(t, "output.txt", []string{
		"inspect user:42", "inspect -show user:43", "inspect user:44 user:45", "inspect user:45",
		"-json inspect user:42", "inspect -json aside:{user:44}", `inspect -quoted "user:a\x20b\n"`,
		"du", "du -json", "du order:*", "du nothing*",
		"keys nothing*", "keys order:*", "keys -json -name order",
	}, func(args []string) result { return aside(t, url, "", args...) })
}

// onServer returns the URL of the servers behind an Env.
func onServer(t *testing.T, env *redistest.Env) string {
	t.Helper()
	switch c := env.Client.(type) {
	case *redis.ClusterClient:
		addrs := c.Options().Addrs
		return "redis://" + addrs[0] + "?addr=" + strings.Join(addrs[1:], "&addr=")
	case *redis.Client:
		if env.Mini == nil {
			return "redis://" + c.Options().Addr
		}
	}
	if err := env.Mini.Start(); err != nil {
		t.Fatal(err)
	}
	return "redis://" + env.Mini.Addr()
}

func TestPatternsAreThoseOfRedis(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Topology == redistest.Cluster || env.Mini != nil {
			return
		}
		keys := []string{"a", "ab", "abc", "a*c", "a[c", "a?c", `a\c`, "axc", "user:42", "b", "é"}
		for _, key := range keys {
			env.Client.Set(t.Context(), key, "x", 0)
		}
		for _, pattern := range []string{
			"*", "a*", "*c", "a*c", "a?c", "a[b-x]c", "a[x-b]c", "a[^x]c", `a\*c`, `a\?c`, `a\\c`, "a[*]c", "**", "a**c",
			"?", "[ab]", "[^a]", `a[\x]c`, "user:*", "*:*", "abc", "x", "a*b*c",
		} {
			found, err := env.Client.Keys(t.Context(), pattern).Result()
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				want := false
				for _, f := range found {
					want = want || f == key
				}
				if got := glob(pattern).matches(key); got != want {
					t.Errorf("%q matches %q: %v, Redis says %v", pattern, key, got, want)
				}
				if prefix := glob(pattern).prefix(); want && !strings.HasPrefix(key, prefix) {
					t.Errorf("%q matches %q without its prefix %q", pattern, key, prefix)
				}
			}
			for _, key := range keys {
				if !literal(key).matches(key) || literal(key).matches(key+"x") {
					t.Errorf("literal(%q) is %q", key, literal(key))
				}
			}
		}
	})
}

// A context that has ended interrupts a command.
func TestInterrupted(t *testing.T) {
	url, _ := filled(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	env := func(string) string { return url }
	if code := run(ctx, []string{"du"}, env, nil, &stdout, &stderr); code != exitRedis || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

// A server that does not answer, or is not one of its own, is an error that says what to do.
func TestErrorsOfRedis(t *testing.T) {
	dead := miniredis.RunT(t)
	url := "redis://:secret@" + dead.Addr()
	dead.Close()
	for _, args := range [][]string{
		{"inspect", "k"}, {"delete", "k"}, {"keys", "*"}, {"du"}, {"watch", "*"},
	} {
		r := aside(t, url, "", append([]string{"-timeout", "1s"}, args...)...)
		if r.code != exitRedis || !strings.Contains(r.stderr, "refused") || strings.Contains(r.stderr, "secret") || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, %s", args, r.code, r.stderr)
		}
	}
	alive := miniredis.RunT(t)
	alive.RequireAuth("other")
	if r := aside(t, "redis://:secret@"+alive.Addr(), "", "inspect", "k"); r.code != exitRedis || !strings.Contains(r.stderr, "WRONGPASS") || strings.Contains(r.stderr, "secret") {
		t.Errorf("a wrong password: exit code %d, %s", r.code, r.stderr)
	}
}
