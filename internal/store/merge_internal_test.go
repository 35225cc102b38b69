package store

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
)

// What stands in Redis before a script comes, in the value key and the control key; t is the
// token of the script.
var states = []struct {
	name  string
	stand func(value, control, t string) [][]any
}{
	{"nothing", func(_, _, _ string) [][]any { return nil }},
	{"its lease", func(_, c, t string) [][]any { return [][]any{{"set", c, "L" + t, "px", hour}} }},
	{"its lease over N", func(_, c, t string) [][]any { return [][]any{{"set", c, "L" + t + "N", "px", hour}} }},
	{"its lease over E", func(_, c, t string) [][]any { return [][]any{{"set", c, "L" + t + "E", "px", hour}} }},
	{"another lease", func(_, c, _ string) [][]any { return [][]any{{"set", c, "L" + token("other"), "px", hour}} }},
	{"N", func(_, c, _ string) [][]any { return [][]any{{"set", c, "N", "px", hour}} }},
	{"E", func(_, c, _ string) [][]any { return [][]any{{"set", c, "E", "px", hour}} }},
	{"nothing, and not the first", func(_, _, _ string) [][]any { return nil }},
	{"a foreign text", func(_, c, _ string) [][]any { return [][]any{{"set", c, "foreign"}} }},
	{"a foreign type", func(_, c, _ string) [][]any { return [][]any{{"rpush", c, "foreign"}} }},
	// From here on there is something in the value key.
	{"a value", func(v, _, _ string) [][]any { return [][]any{{"set", v, "old", "px", hour}} }},
	{"a value without end", func(v, _, _ string) [][]any { return [][]any{{"set", v, "old"}} }},
	{"a value and its lease", func(v, c, t string) [][]any {
		return [][]any{{"set", v, "old", "px", hour}, {"set", c, "L" + t, "px", hour}}
	}},
	{"a value and N", func(v, c, _ string) [][]any { return [][]any{{"set", v, "old"}, {"set", c, "N", "px", hour}} }},
	{"a value of another type", func(v, _, _ string) [][]any { return [][]any{{"rpush", v, "old"}} }},
	{"that and its lease", func(v, c, t string) [][]any {
		return [][]any{{"hset", v, "f", "old"}, {"set", c, "L" + t, "px", hour}}
	}},
}

const hour, valueless = 3_600_000, 10

// token makes a token of a text that is no longer than one.
func token(text string) string { return text + strings.Repeat("x", rediskey.TokenSize-len(text)) }

// longWays are the scripts that have a shorter way to serve many keys, as they are sent; t is the
// token of the nth.
var longWays = []struct {
	name   string
	script *client.Script
	args   func(n int, t string) []any
	common bool // all have the token of the first
}{
	{"acquire", acquire, func(_ int, t string) []any { return []any{t, hour, "string", false, "", -1} }, false},
	{"acquire beside", acquire, func(_ int, t string) []any { return []any{t, hour, "string", true, "", -1} }, false},
	{"acquire again", acquire, func(_ int, t string) []any { return []any{token("again"), hour, "string", false, "", -1, t} }, false},
	{"acquire for a hash", acquire, func(_ int, t string) []any { return []any{t, hour, "hash", false, "E", -1} }, false},
	{"acquire for many caches", acquire, func(n int, t string) []any {
		return []any{t, hour * (1 + n%3), []string{"string", "hash"}[n%2], n%3 == 1, []string{"", "E"}[n%2], -1}
	}, false},
	{"add", add, func(_ int, t string) []any { return []any{t, "new", "px", hour} }, false},
	{"add without end", add, func(_ int, t string) []any { return []any{t, "new"} }, false},
	{"add for many caches", add, func(n int, t string) []any { return []any{t, fmt.Sprint("new", n), "px", hour * (1 + n%3)} }, false},
	{"put", put, func(int, string) []any { return []any{-1, "", "set", "new", "px", hour} }, false},
	{"put without end", put, func(int, string) []any { return []any{-1, "", "set", "new"} }, false},
	{"put of elements", put, func(int, string) []any { return []any{hour, "", "rpush", "a", "b"} }, false},
	{"put of markers", put, func(int, string) []any { return []any{hour, "N"} }, false},
	{"put for many caches", put, func(n int, _ string) []any {
		if n%3 == 0 {
			return []any{-1, "", "set", []byte("new"), "px", hour * (1 + n%2)}
		}
		return []any{hour, "", "rpush", "a", "b", "c"}
	}, false},
	{"acquire for a batch", acquire, func(_ int, t string) []any { return []any{t, hour, "string", false, "", -1} }, true},
	{"add for a batch", add, func(n int, t string) []any { return []any{t, []byte(fmt.Sprint("new", n)), "px", hour} }, true},
}

// Scripts that run together for many keys answer, and leave behind, what they do one by one.
func TestTogether(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) { wantSame(t, env.Client, len(states), func(bool) {}) })
}

func TestTogetherInFullMemory(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			rdb := server.Start(t, redistest.Standalone, "--maxmemory-policy", "noeviction").Client(t)
			// What one run removes makes room for the next: only what removes nothing is compared.
			wantSame(t, rdb, valueless, func(full bool) {
				limit := "0"
				if full {
					limit = "1"
				}
				if err := rdb.ConfigSet(t.Context(), "maxmemory", limit).Err(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// wantSame compares both ways in the first states, all at once and for those where the
// value keys hold nothing; fill is told when memory is to be full.
func wantSame(t *testing.T, rdb redis.UniversalClient, first int, fill func(full bool)) {
	s, err := New(rdb, codec.ShapeString, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.SetFamily(rediskey.NewFamily("a", 0))
	for _, way := range longWays {
		keys := s.loadKeys
		if way.script == put {
			keys = s.writeKeys
		}
		for _, n := range slices.Compact([]int{valueless, first}) {
			if first == valueless && len(way.args(0, "")) > 6 && way.script == acquire {
				continue // it removes a lease
			}
			run := func(name string, send func(calls []client.Call)) (told []string) {
				calls := make([]client.Call, n+1)
				tokenOf := func(i int) string {
					if way.common {
						i = 0
					}
					return token(fmt.Sprint("t", i))
				}
				for i, state := range states[:n] {
					key, tok := fmt.Sprint(name, i), tokenOf(i)
					calls[i] = client.Call{Script: way.script, Keys: keys(key), Args: way.args(i, tok)}
					for _, cmd := range append([][]any{{"del", key}, {"del", rediskey.ControlKey(key)}, {"set", "a@1{" + key + "}", "v"}}, state.stand(key, rediskey.ControlKey(key), tok)...) {
						if err := rdb.Do(t.Context(), cmd...).Err(); err != nil {
							t.Fatal(cmd, err)
						}
					}
				}
				calls[n] = client.Call{Script: way.script, Keys: keys(name + "0"), Args: way.args(n, tokenOf(n))} // of a key that is there twice
				fill(true)
				send(calls)
				fill(false)
				for i := range calls {
					told = append(told, tell(t.Context(), rdb, &calls[i]))
				}
				return told
			}
			sendAll := func(calls []client.Call) {
				if err := s.ExecAll(t.Context(), client.NotRetryable, client.Pointers(calls)); err != nil {
					t.Fatal(err)
				}
			}
			alone := run("alone", func(calls []client.Call) {
				for i := range calls {
					sendAll(calls[i : i+1])
				}
			})
			together := run("together", sendAll)
			for i := range alone {
				name := "a key that is there twice"
				if i < n {
					name = states[i].name
				}
				if alone[i] != together[i] {
					t.Errorf("%s, %d keys, %s: %s, alone: %s", way.name, n, name, together[i], alone[i])
				}
			}
		}
	}
}

// tell describes the answer to a call and what it has left behind: of moments nothing, and times to
// the hour.
func tell(ctx context.Context, rdb redis.UniversalClient, e *client.Call) string {
	told := fmt.Sprint(e.Answer)
	if e.Err != nil {
		told, _, _ = strings.Cut(e.Err.Error(), " ")
	}
	for _, key := range e.Keys {
		held := rdb.Type(ctx, key.(string)).Val()
		if held == "string" {
			held = rdb.Get(ctx, key.(string)).Val()
		}
		told += fmt.Sprint("; ", held, " ", rdb.PTTL(ctx, key.(string)).Val().Milliseconds())
	}
	return moments.ReplaceAllStringFunc(told, func(ms string) string {
		if n, err := strconv.Atoi(ms); err == nil && n < 100*hour {
			return fmt.Sprint((n+hour/2)/hour, "h")
		}
		return "#"
	})
}

var moments = regexp.MustCompile(`\d{6,}`)
