package collection_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// longTimeout is far longer than any answer takes that a test waits for.
const longTimeout = 30 * time.Second

// config is that of strings without jitter.
func config(name string) collection.Config[string, string] {
	return collection.Config[string, string]{Name: name, TTL: time.Hour, Jitter: -1, RedisTimeout: longTimeout}
}

// opened returns a collection that is closed when the test ends.
func opened[C interface{ Close() error }](t testing.TB, c C, err error) C {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

func newList(t testing.TB, rdb redis.UniversalClient, cfg collection.Config[string, string]) *collection.List[string, string] {
	t.Helper()
	l, err := collection.NewList(rdb, cfg)
	return opened(t, l, err)
}

func newSet(t testing.TB, rdb redis.UniversalClient, cfg collection.Config[string, string]) *collection.Set[string, string] {
	t.Helper()
	s, err := collection.NewSet(rdb, cfg)
	return opened(t, s, err)
}

func newSortedSet(t testing.TB, rdb redis.UniversalClient, cfg collection.Config[string, string]) *collection.SortedSet[string, string] {
	t.Helper()
	z, err := collection.NewSortedSet(rdb, cfg)
	return opened(t, z, err)
}

// control is the key of leases and marks, for keys without braces.
func control(key string) string { return "aside:{" + key + "}" }

// say is what a result of a method or an answer of Redis comes to: texts, without
// structure.
type say []string

func (s say) sorted() say {
	slices.Sort(s)
	return s
}

// texts flattens anything that methods or go-redis return.
func texts(v any) say {
	switch v := v.(type) {
	case nil:
		return say{"nil"}
	case string:
		return say{v}
	case int:
		return say{strconv.Itoa(v)}
	case int64:
		return say{strconv.FormatInt(v, 10)}
	case float64:
		return say{strconv.FormatFloat(v, 'g', -1, 64)}
	case bool:
		if v {
			return say{"1"}
		}
		return say{"0"}
	case []bool:
		var all say
		for _, each := range v {
			all = append(all, texts(each)...)
		}
		return all
	case []string:
		return v
	case []any:
		var all say
		for _, each := range v {
			all = append(all, texts(each)...)
		}
		return all
	case map[any]any:
		var all say
		for k, each := range v {
			all = append(all, fmt.Sprint(k), fmt.Sprint(each))
		}
		return all.sorted()
	}
	panic(fmt.Sprintf("a test met a %T", v))
}

// raw is what redis-cli would say: the answer to a plain command.
func raw(t testing.TB, rdb redis.UniversalClient, args ...any) say {
	t.Helper()
	v, err := rdb.Do(t.Context(), args...).Result()
	if err != nil && err != redis.Nil {
		t.Fatalf("%v: %v", args, err)
	}
	return texts(v)
}

// hostile are texts that break what is careless about bytes.
var hostile = []string{"", "a", "b", "\r\n", "$-1\r\n", "*0\r\n", "\x00", "\xff\xfe", "ünï", "-WRONGTYPE x", ":1", "0", "-0", "nan", "a b", "'", "%s"}

func pick(r *rand.Rand) string { return hostile[r.IntN(len(hostile))] }

func picks(r *rand.Rand, most int) []string {
	some := make([]string, 1+r.IntN(most))
	for i := range some {
		some[i] = pick(r)
	}
	return some
}

// anys are elements as arguments behind others.
func anys(front []any, elems []string) []any {
	for _, e := range elems {
		front = append(front, e)
	}
	return front
}

// index is an index about the ends of a small value.
func index(r *rand.Rand) int { return r.IntN(17) - 8 }

// A pair is a value that a collection changes, and one that plain commands change.
type pair struct {
	t         *testing.T
	rdb       redis.UniversalClient
	key, twin string // Redis keys
	whole     []any  // the command that reads a whole value, around the key
	ordered   bool
	log       []string
}

// same checks that a method and a plain command on the twin say the same. In args the
// key is left out.
func (p *pair) same(what string, got any, err error, args ...any) {
	p.t.Helper()
	p.sameButFor("", "", what, got, err, args...)
}

// sameButFor is same where a method has one answer in place of one of Redis's.
func (p *pair) sameButFor(theirs, ours, what string, got any, err error, args ...any) {
	p.t.Helper()
	p.log = append(p.log, fmt.Sprintf("%s %q", what, args))
	if err != nil {
		p.t.Fatalf("%s: %v, after %v", what, err, p.log)
	}
	want := raw(p.t, p.rdb, append([]any{args[0], p.twin}, args[1:]...)...)
	if theirs != "" && slices.Equal(want, say{theirs}) {
		want = say{ours}
	}
	p.equal(what, texts(got), want)
}

func (p *pair) equal(what string, got, want say) {
	p.t.Helper()
	if len(got) == 0 && slices.Equal(want, say{"nil"}) {
		return // no elements
	}
	if !p.ordered {
		got, want = got.sorted(), want.sorted()
	}
	if !slices.Equal(got, want) {
		p.t.Fatalf("%s = %q, and Redis says %q, after %v", what, got, want, p.log)
	}
}

// check compares the values as a whole, and the control key of one.
func (p *pair) check(wrote bool) {
	p.t.Helper()
	read := func(key string) say {
		return raw(p.t, p.rdb, append([]any{p.whole[0], key}, p.whole[1:]...)...)
	}
	value := read(p.key)
	p.equal("the value", value, read(p.twin))
	recorded := raw(p.t, p.rdb, "get", control(p.key))
	if len(value) > 0 && recorded[0] != "nil" {
		p.t.Fatalf("a value with the control value %q, after %v", recorded, p.log)
	}
	if len(value) > 0 && wrote && raw(p.t, p.rdb, "pttl", p.key)[0] == "-1" {
		p.t.Fatalf("a value without a TTL, after %v", p.log)
	}
}

// random runs steps of random operations on fresh keys, a number of sequences.
func random(t *testing.T, env *redistest.Env, name string, whole []any, ordered bool, step func(p *pair, r *rand.Rand)) {
	sequences, steps := 20, 40
	if env.Mini != nil {
		sequences = 100
	}
	for seed := range uint64(sequences) {
		r := rand.New(rand.NewPCG(seed, 1))
		key := strconv.FormatUint(seed, 10)
		p := &pair{t: t, rdb: env.Client, key: name + ":" + key, twin: "twin:" + name + ":" + key, whole: whole, ordered: ordered}
		for range steps {
			step(p, r)
		}
	}
}

// name returns the family's key of a pair.
func (p *pair) name() string {
	for i := range p.key {
		if p.key[i] == ':' {
			return p.key[i+1:]
		}
	}
	return ""
}
