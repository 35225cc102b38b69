package explain_test

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/explain"
	"github.com/asidecache/aside/internal/redistest"
)

var update = flag.Bool("update", false, "write testdata anew")

const aToken = "0123456789abcdef"

// states are keys in all states that a key may be in, and how they are made.
var states = []struct {
	name, key string
	commands  [][]any
	options   explain.Options
}{
	{name: "nothing", key: "user:42"},
	{name: "text", key: "user:42", commands: [][]any{{"set", "user:42", "Ada", "px", 597_000}}},
	{name: "text, shown", key: "user:42", commands: [][]any{{"set", "user:42", "Ada\nLovelace"}}, options: explain.Options{ShowValue: true}},
	{name: "msgpack", key: "user:42", commands: [][]any{{"set", "user:42", encode[any](codec.Msgpack[any](), map[string]any{"name": "Ada", "age": 36})}}, options: explain.Options{ShowValue: true}},
	{name: "JSON", key: "user:42", commands: [][]any{{"set", "user:42", `{"name":"Ada"}`}}},
	{name: "compressed", key: "user:42", commands: [][]any{{"set", "user:42", compressed}}},
	{name: "hash", key: "user:42", commands: [][]any{{"hset", "user:42", "name", "Ada", "logins", "7"}, {"pexpire", "user:42", 60_000}}},
	{name: "hash, shown", key: "user:42", commands: [][]any{{"hset", "user:42", "name", "Ada", "logins", "7"}}, options: explain.Options{ShowValue: true}},
	{name: "list, shown", key: "feed:7", commands: [][]any{{"rpush", "feed:7", "30", "10", "30"}}, options: explain.Options{ShowValue: true}},
	{name: "set, shown", key: "tags:7", commands: [][]any{{"sadd", "tags:7", "crimson", "blue"}}, options: explain.Options{ShowValue: true}},
	{name: "sorted set, shown", key: "board", commands: [][]any{{"zadd", "board", "12.5", "Ann", "3", "Bob"}}, options: explain.Options{ShowValue: true}},
	{name: "set", key: "tags:7", commands: [][]any{{"sadd", "tags:7", "crimson", "blue"}}},
	{name: "stream", key: "log:1", commands: [][]any{{"xadd", "log:1", "1-1", "a", "b"}}},
	{name: "absent", key: "user:42", commands: [][]any{{"set", "aside:{user:42}", "N", "px", 40_000}}},
	{name: "empty", key: "tags:7", commands: [][]any{{"set", "aside:{tags:7}", "E", "px", 315360000000}}},
	{name: "empty of a version", key: "tags@2{tags:7}", commands: [][]any{{"set", "aside:{tags:7}", "E@0@2", "px", 40_000}}},
	{name: "leased", key: "user:42", commands: [][]any{{"set", "aside:{user:42}", "L" + aToken, "px", 1200}}},
	{name: "refreshed", key: "user:42", commands: [][]any{{"set", "user:42", "Ada"}, {"set", "aside:{user:42}", "L" + aToken + "T5:9", "px", 1200}}},
	{name: "leased over absent", key: "user:42", commands: [][]any{{"set", "aside:{user:42}", "L" + aToken + "N" + "946684810000", "px", 1200}}},
	{name: "lease without TTL", key: "user:42", commands: [][]any{{"set", "aside:{user:42}", "L" + aToken}}},
	{name: "foreign control key", key: "user:42", commands: [][]any{{"lpush", "aside:{user:42}", "x"}}},
	{name: "versions", key: "user:42", commands: [][]any{{"set", "user:42", "Ada"}, {"set", "user@2{user:42}", "Ada", "px", 90_000}, {"hset", "user@3{user:42}", "a", "b"}}},
	{name: "a version", key: "user@2{user:42}", commands: [][]any{{"set", "user:42", "Ada"}, {"set", "user@2{user:42}", "Ada", "px", 90_000}}},
	{name: "control key", key: "aside:{user:42}", commands: [][]any{{"set", "user:42", "Ada"}}},
	{name: "control key of a prefix", key: "c:{user:42}", commands: [][]any{{"set", "c:{user:42}", "N", "px", 100}}, options: explain.Options{ControlPrefix: "c:"}},
	{name: "staged value", key: "aside:0badcafe{user:42}", commands: [][]any{{"set", "aside:0badcafe{user:42}", "Ada", "px", 30_000}}},
	{name: "prefix", key: "user@prefix", commands: [][]any{{"set", "user@prefix", "aside:", "px", 3600_000}}},
	{name: "unknown", key: "aside:x", commands: [][]any{{"set", "aside:x", "y"}}},
	{name: "unusual", key: "user:a}b c\xff\n", commands: [][]any{{"set", "user:a}b c\xff\n", "\x00\x01\x02"}}, options: explain.Options{ShowValue: true}},
}

func encode[V any](c codec.StringCodec[V], v V) string {
	b, err := c.AppendValue(nil, v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// What is said of each state stands in testdata.
func TestSentencesAreGolden(t *testing.T) {
	var got strings.Builder
	for _, tt := range states {
		synctest.Test(t, func(t *testing.T) {
			r := explained(t, redistest.Mini(t).Client, tt.commands, tt.key, tt.options)
			got.WriteString("== " + tt.name + ": " + explain.Printable(tt.key) + "\n" + strings.Join(r.Sentences, "\n") + "\n\n")
			r.Sentences = nil
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			got.WriteString(string(text) + "\n\n")
		})
	}
	golden(t, "sentences.txt", got.String())
}

func explained(
	t *testing.T, rdb redis.UniversalClient, commands [][]any, key string, opt explain.Options,
) *explain.Report {
	t.Helper()
	for _, args := range commands {
		if err := rdb.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := explain.Key(t.Context(), rdb, key, opt)
	if err != nil {
		t.Fatalf("%q: %v", key, err)
	}
	return r
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("testdata/%s differs, -update writes it anew; got\n%s", name, got)
	}
}

// Real servers say the same, but for the memory that a value takes and time that passes. Where
// in a cluster a key lies is said as well.
func TestOnServers(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, tt := range states {
			env.FlushAll(t)
			r := explained(t, env.Client, tt.commands, tt.key, tt.options)
			if want := wantState[tt.name]; want != "" && stateOf(r) != want {
				t.Errorf("%s: %s, want %s", tt.name, stateOf(r), want)
			}
			if (r.Cluster != nil) != (env.Topology == redistest.Cluster) || r.Cluster != nil && r.Cluster.Master == "" {
				t.Errorf("%s: in a cluster: %+v", tt.name, r.Cluster)
			}
			if len(r.Refused) > 0 && env.Mini == nil {
				t.Errorf("%s: refused: %q", tt.name, r.Refused)
			}
		}
	})
}

var wantState = map[string]string{
	"nothing": "- none", "text": "string none", "hash, shown": "hash none", "absent": "- absent",
	"sorted set, shown": "zset none", "leased": "- leased", "refreshed": "string leased",
	"leased over absent": "- leased absent", "foreign control key": "- ignored",
	"control key of a prefix": "- absent", "unusual": "string none", "stream": "stream none",
}

// stateOf is a report in three words.
func stateOf(r *explain.Report) string {
	words := []string{"-", r.Control.State}
	if r.Value != nil {
		words[0] = r.Value.Type
	}
	if r.Control.Carries != "" {
		words = append(words, r.Control.Carries)
	}
	return strings.Join(words, " ")
}

// Without ShowValue no byte of a value is in a report, nor in an error.
func TestValuesAreNotShown(t *testing.T) {
	for _, tt := range states {
		synctest.Test(t, func(t *testing.T) {
			opt := tt.options
			opt.ShowValue = false
			r := explained(t, redistest.Mini(t).Client, tt.commands, tt.key, opt)
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range []string{"Ada", "crimson", "blue", "Ann", "Bob", aToken} {
				if strings.Contains(string(text), value) {
					t.Errorf("%s: the report has %s: %s", tt.name, value, text)
				}
			}
		})
	}
}

// What is refused is named, and the rest is told.
func TestRefusals(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			return
		}
		for _, tt := range []struct {
			rules []string
			want  []string
		}{
			{[]string{"~*", "+@all", "-memory"}, []string{"There is a value: a string", "MEMORY USAGE: the user may not send it"}},
			{[]string{"~user*", "+@all"}, []string{"There is a value: a string", "The control key aside:{user:42} may not be read", "GETRANGE: the user may not read aside:{user:42}"}},
			{[]string{"~user:*", "~aside:*", "+@all"}, []string{"There is a value: a string", "TYPE: the user may not read user@1{user:42}"}},
			{[]string{"+@all", "resetkeys"}, []string{"TYPE: the user may not read user:42"}},
		} {
			env.FlushAll(t)
			if err := env.Client.Set(t.Context(), "user:42", "Ada", 0).Err(); err != nil {
				t.Fatal(err)
			}
			env.Permit(t, "looks", "reset")
			r := explained(t, env.NewUser(t, "looks", tt.rules), nil, "user:42", explain.Options{})
			said := strings.Join(r.Sentences, "\n")
			for _, want := range tt.want {
				if !strings.Contains(said, want) {
					t.Errorf("%q: nothing of %q:\n%s", tt.rules, want, said)
				}
			}
		}
	})
}

// What is huge is not read.
func TestBounds(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		env.FlushAll(t)
		long := strings.Repeat("x", 2<<20)
		for _, args := range [][]any{
			{"set", "a:string", long}, {"rpush", "a:list", "1", long}, {"hset", "a:hash", "f", long},
			{"hset", "a:fields", long, "1"}, {"set", "aside:{a:string}", long},
		} {
			if err := env.Client.Do(t.Context(), args...).Err(); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range []string{"a:string", "a:list", "a:hash", "a:fields"} {
			r := explained(t, env.Client, nil, key, explain.Options{ShowValue: true})
			text, _ := json.Marshal(r)
			read := r.Value != nil && key != "a:string" && r.Value.Shown != nil
			if r.Value == nil || len(text) > 64<<10 || !r.Value.Cut || read {
				t.Errorf("%s: cut %v, %d bytes: %.300s", key, r.Value != nil && r.Value.Cut, len(text), text)
			}
		}
	})
}

// A server that does not answer is an error in time, and so is a context that ends.
func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never, end := io.Pipe()
		defer end.Close()
		fake := &redistest.Fake{Answer: func([]string) io.Reader { return never }}
		rdb := fake.Client(t, 3, false)
		began := time.Now()
		_, err := explain.Key(t.Context(), rdb, "user:42", explain.Options{Timeout: time.Second})
		if err == nil || !strings.Contains(err.Error(), "redis does not answer") || time.Since(began) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := explain.Key(ctx, rdb, "user:42", explain.Options{}); err != context.Canceled {
			t.Errorf("a context that has ended: %v", err)
		}
	})
}
