package collection_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
)

// manyFor is a number of elements that are not sent as arguments of the script. One server
// of each kind gets as many as the documents speak of; the others need not be kept as busy.
func manyFor(env *redistest.Env) int {
	if env.Mini == nil && env.Topology == redistest.Standalone {
		return 100_000
	}
	return 12_000
}

// numbered are elements, the first of them with a number.
func numbered(first, n int) []string {
	elems := make([]string, n)
	for i := range elems {
		elems[i] = strconv.Itoa(first + i)
	}
	return elems
}

// Writes of very many elements are one step like all others, and leave nothing behind.
func TestLargeWrites(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		ctx, many := t.Context(), manyFor(env)
		l, s, z := newList(t, env.Client, config("list")), newSet(t, env.Client, config("set")), newSortedSet(t, env.Client, config("zset"))
		front := many
		if env.Mini != nil {
			front = 100 // it copies the list for each element
		}
		scores := func(first int, by float64) []scored {
			elems := make([]scored, many)
			for i, e := range numbered(first, many) {
				elems[i] = scored{Elem: e, Score: by * float64(i)}
			}
			return elems
		}
		for _, step := range []struct {
			name, key string
			write     func() (int, error)
			want      int
		}{
			{"PushBack to nothing", "list:k", func() (int, error) { return l.PushBack(ctx, "k", numbered(0, many)...) }, many},
			{"PushBack", "list:k", func() (int, error) { return l.PushBack(ctx, "k", numbered(many, many)...) }, 2 * many},
			{"PushBack of one", "list:f", func() (int, error) { return l.PushBack(ctx, "f", "a") }, 1},
			{"PushFront", "list:f", func() (int, error) { return l.PushFront(ctx, "f", numbered(0, front)...) }, front + 1},
			{"Add to nothing", "set:k", func() (int, error) { return s.Add(ctx, "k", numbered(0, many)...) }, many},
			{"Add", "set:k", func() (int, error) { return s.Add(ctx, "k", numbered(many/2, many)...) }, many / 2},
			{"Remove", "set:k", func() (int, error) { return s.Remove(ctx, "k", numbered(10, many)...) }, many},
			{"Put to nothing", "zset:k", func() (int, error) { return z.Put(ctx, "k", scores(0, 1)...) }, many},
			{"PutIf", "zset:k", func() (int, error) { return z.PutIf(ctx, "k", collection.New, scores(many/2, -1)...) }, many / 2},
			{"SortedSet.Remove", "zset:k", func() (int, error) { return z.Remove(ctx, "k", numbered(10, many)...) }, many},
		} {
			set(t, env.Client, control(step.key), lease)
			if n, err := step.write(); n != step.want || err != nil {
				t.Fatalf("%s = %d, %v, want %d", step.name, n, err, step.want)
			}
			wantNoted(t, env.Client, step.key, "nil")
			wantTTL(t, env.Client, step.key, time.Hour)
		}
		for key, want := range map[string][]string{
			"k": numbered(0, 2*many),
			"f": append(reversed(numbered(0, front)), "a"),
		} {
			if got, err := l.Range(ctx, key, 0, -1); err != nil || !slices.Equal(got, want) {
				t.Errorf("the list %s has %d elements, or has them in another order, %v", key, len(got), err)
			}
		}
		if got, err := s.Members(ctx, "k"); err != nil || len(got) != many/2 {
			t.Errorf("the set has %d elements, %v", len(got), err)
		}
		if e, err := z.RangeBack(ctx, "k", 0, 0); err != nil || len(e) != 1 || e[0].Elem != "9" || e[0].Score != 9 {
			t.Errorf("the last of the sorted set is %v, %v", e, err)
		}
		if keys := env.Keys(t); !slices.Equal(keys, []string{"list:f", "list:k", "set:k", "zset:k"}) {
			t.Errorf("there is %q", keys)
		}
	})
}

func reversed(elems []string) []string {
	slices.Reverse(elems)
	return elems
}

// What stops a small write stops a large one: another type, IfCached, elements that
// cannot be encoded.
func TestLargeWritesThatFail(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		ctx, many := t.Context(), manyFor(env)
		l, z := newList(t, env.Client, config("list")), newSortedSet(t, env.Client, config("zset"))
		if n, err := l.With(collection.IfCached()).PushBack(ctx, "k", numbered(0, many)...); n != 0 || err != nil {
			t.Errorf("PushBack to what is not cached = %d, %v", n, err)
		}
		if _, err := z.Put(ctx, "k", append(make([]scored, many), scored{Score: math.NaN()})...); err == nil {
			t.Error("Put of NaN gives no error")
		}
		if keys := env.Keys(t); len(keys) > 0 {
			t.Errorf("there is %q", keys)
		}
		raw(t, env.Client, "set", "list:k", "a string")
		if _, err := l.PushFront(ctx, "k", numbered(0, many)...); err == nil {
			t.Error("PushFront to a string gives no error")
		}
		if keys := env.Keys(t); !slices.Equal(keys, []string{"list:k"}) {
			t.Errorf("there is %q", keys)
		}
	})
}

// Elements that get lost on their way stop the write.
func TestLargeWriteThatDoesNotArriveWhole(t *testing.T) {
	env := redistest.Mini(t)
	env.Client.AddHook(forgetful{})
	l := newList(t, env.Client, config("list"))
	if n, err := l.PushBack(t.Context(), "k", "a"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	n, err := l.PushBack(t.Context(), "k", numbered(0, manyFor(env))...)
	if !errors.Is(err, cache.ErrRedis) || !strings.Contains(err.Error(), "did not arrive whole") {
		t.Errorf("PushBack = %d, %v", n, err)
	}
	if got, err := l.Range(t.Context(), "k", 0, -1); !slices.Equal(got, []string{"a"}) || err != nil {
		t.Errorf("the list is %q, %v", got, err)
	}
	if keys := env.Keys(t); !slices.Equal(keys, []string{"list:k"}) {
		t.Errorf("there is %q", keys)
	}
}

// forgetful is a hook that does not send the last push of a pipeline.
type forgetful struct{}

func (forgetful) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (forgetful) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (forgetful) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for i := len(cmds) - 1; i >= 0; i-- {
			if cmds[i].Name() == "rpush" {
				return next(ctx, slices.Delete(slices.Clone(cmds), i, i+1))
			}
		}
		return next(ctx, cmds)
	}
}

// A large write in a pipeline, with nobody knowing its script, stands in its order.
func TestLargeWriteInAPipeline(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l, many := newList(t, env.Client, config("list")), manyFor(env)
		for name, exec := range map[string]func(p *collection.Pipeline) error{
			"Exec": func(p *collection.Pipeline) error { return p.Exec(t.Context()) }, "ExecAtomic": func(p *collection.Pipeline) error { return p.ExecAtomic(t.Context()) },
		} {
			flushScripts(t, env.Client)
			var p collection.Pipeline
			l.In(&p).Delete("k")
			l.In(&p).PushBack("k", "a")
			n, between := l.In(&p).PushBack("k", numbered(0, many)...), l.In(&p).Len("k")
			after := l.In(&p).PushBack("k", "z")
			if err := exec(&p); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want(t, "PushBack", n, many+1)
			want(t, "Len", between, many+1)
			want(t, "PushBack", after, many+2)
		}
	})
}

// How long a large write keeps a server from serving others.
func BenchmarkLargeWrite(b *testing.B) {
	const n = 1_000_000
	elems := numbered(0, n)
	slow := func(o *redis.UniversalOptions) { o.ReadTimeout, o.WriteTimeout = time.Minute, time.Minute }
	for _, server := range redistest.Servers(b) {
		rdb := server.Start(b, redistest.Standalone).Client(b, slow)
		l, s := newList(b, rdb, config("list")), newSet(b, rdb, config("set"))
		for name, write := range map[string]func(key string) (int, error){
			"PushBack to nothing": func(key string) (int, error) { return l.PushBack(b.Context(), key, elems...) },
			"PushBack":            func(string) (int, error) { return l.PushBack(b.Context(), "k", elems...) },
			"PushFront":           func(string) (int, error) { return l.PushFront(b.Context(), "k", elems...) },
			"Add to nothing":      func(key string) (int, error) { return s.Add(b.Context(), key, elems...) },
		} {
			b.Run(fmt.Sprint(server, " ", name), func(b *testing.B) {
				raw(b, rdb, "flushall")
				raw(b, rdb, "config", "resetstat")
				raw(b, rdb, "rpush", "list:k", "a")
				for i := range b.N {
					if _, err := write(strconv.Itoa(i)); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(spent(b, rdb, "evalsha")/float64(b.N)/1000, "ms-blocked/op")
			})
		}
	}
}

// spent is how long a server was busy with a command, in microseconds.
func spent(b *testing.B, rdb redis.UniversalClient, command string) float64 {
	b.Helper()
	stats, err := rdb.InfoMap(b.Context(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	var calls, usec float64
	if _, err := fmt.Sscanf(stats["Commandstats"]["cmdstat_"+command], "calls=%g,usec=%g", &calls, &usec); err != nil {
		b.Fatal(err)
	}
	return usec
}
