package collection_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
)

// want checks the result of a future.
func want[T any](t testing.TB, what string, f *collection.Future[T], wanted T) {
	t.Helper()
	if got, err := f.Result(); err != nil || !reflect.DeepEqual(got, wanted) {
		t.Errorf("%s = %v, %v, want %v", what, got, err, wanted)
	}
}

// Operations of all sorts on many keys, each of which sees those before it.
func TestPipeline(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l, s, z, h := newList(t, env.Client, config("list")), newSet(t, env.Client, config("set")), newSortedSet(t, env.Client, config("zset")), newHash(t, env.Client, hashConfig())
		for round := range 3 {
			var p collection.Pipeline
			var checks []func()
			for i := range 20 {
				key := strconv.Itoa(i)
				lq, sq, zq, hq := l.In(&p), s.In(&p), z.In(&p), h.In(&p)
				length, first, popped, rest := lq.PushBack(key, "a", "b"), lq.At(key, 0), lq.PopBack(key, 1), lq.Range(key, 0, -1)
				added, has := sq.Add(key, "a", "b"), sq.HasMany(key, "a", "c")
				changed, best := zq.Put(key, scored{Elem: "a", Score: 1}, scored{Elem: "b", Score: 2}), zq.RangeBack(key, 0, 0)
				var n string
				var a int
				hq.Set(key, name.To("Ann"))
				hq.Incr(key, age.Into(&a), 41)
				found := hq.Get(key, name.Into(&n), nick.Into(new(*string)))
				lq.PopFront(key, 9)
				checks = append(checks, func() {
					want(t, "PushBack", length, 2)
					want(t, "At", first, collection.Found[string]{Value: "a", OK: true})
					want(t, "PopBack", popped, []string{"b"})
					want(t, "Range", rest, []string{"a"})
					want(t, "Add", added, 2*min(1, 1-min(round, 1)))
					want(t, "HasMany", has, []bool{true, false})
					want(t, "Put", changed, 2*(1-min(round, 1)))
					want(t, "RangeBack", best, []scored{{Elem: "b", Score: 2}})
					want(t, "Get", found, 1)
					if n != "Ann" || a != 41*(round+1) {
						t.Errorf("Get and Incr have read %q and %d", n, a)
					}
				})
			}
			if p.Len() != 240 {
				t.Errorf("Len = %d", p.Len())
			}
			if err := p.Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, check := range checks {
				check()
			}
			if round == 1 { // every server forgets the script
				flushScripts(t, env.Client)
			}
		}
	})
}

func flushScripts(t testing.TB, rdb redis.UniversalClient) {
	t.Helper()
	flush := func(ctx context.Context, c *redis.Client) error { return c.ScriptFlush(ctx).Err() }
	var err error
	switch rdb := rdb.(type) {
	case *redis.ClusterClient:
		err = rdb.ForEachMaster(t.Context(), flush)
	case *redis.Client:
		err = flush(t.Context(), rdb)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A write finds its way when the server has forgotten the script.
func TestScriptsAreForgotten(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l := newList(t, env.Client, config("list"))
		for i := range 3 {
			flushScripts(t, env.Client)
			if n, err := l.PushBack(t.Context(), "k", "a"); n != i+1 || err != nil {
				t.Errorf("PushBack = %d, %v", n, err)
			}
		}
	})
}

// With a part of the masters knowing the script, each read of a key still sees exactly the
// writes before it.
func TestPipelineOrderWithoutScripts(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l := newList(t, env.Client, config("list"))
		r := rand.New(rand.NewPCG(1, 1))
		lengths := map[string]int{}
		for range 20 {
			flushScripts(t, env.Client)
			if _, err := l.PushBack(t.Context(), strconv.Itoa(r.IntN(9))+"-warm", "a"); err != nil { // one master learns it
				t.Fatal(err)
			}
			var p collection.Pipeline
			var checks []func()
			for range 30 {
				key := strconv.Itoa(r.IntN(9))
				if r.IntN(2) == 0 {
					l.In(&p).PushBack(key, "a")
					lengths[key]++
					continue
				}
				n, expected := l.In(&p).Len(key), lengths[key]
				checks = append(checks, func() { want(t, "Len", n, expected) })
			}
			if err := p.Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, check := range checks {
				check()
			}
		}
	})
}

// In one step, nobody sees some of the operations without the others.
func TestPipelineAtomic(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l, s := newList(t, env.Client, config("{t}list")), newSet(t, env.Client, config("{t}set"))
		flushScripts(t, env.Client)
		done := make(chan error, 1)
		go func() {
			for i := range 100 {
				var p collection.Pipeline
				l.In(&p).PushBack("k", strconv.Itoa(i))
				s.In(&p).Add("k", strconv.Itoa(i))
				if err := p.ExecAtomic(context.Background()); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		for running := true; running; {
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				running = false
			default:
			}
			var p collection.Pipeline
			a, b := l.In(&p).Len("k"), s.In(&p).Len("k")
			if err := p.ExecAtomic(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n, err := a.Result(); err != nil {
				t.Fatal(err)
			} else {
				want(t, "the set's length", b, n)
			}
		}
		if n, err := s.Len(t.Context(), "k"); n != 100 || err != nil {
			t.Errorf("there are %d elements, %v", n, err)
		}
	})
}

// On a cluster one step has one slot.
func TestPipelineAtomicInDifferentSlots(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l := newList(t, env.Client, config("list"))
		var p collection.Pipeline
		a, b := l.In(&p).PushBack("a", "x"), l.In(&p).PushBack("b", "x")
		err := p.ExecAtomic(t.Context())
		if env.Topology != redistest.Cluster {
			want(t, "PushBack", a, 1)
			want(t, "PushBack", b, 1)
			return
		}
		if !errors.Is(err, collection.ErrSlots) {
			t.Fatalf("ExecAtomic: %v", err)
		}
		for _, f := range []*collection.Future[int]{a, b} {
			if _, err := f.Result(); !errors.Is(err, collection.ErrSlots) {
				t.Errorf("Result: %v", err)
			}
		}
		if keys := env.Keys(t); len(keys) > 0 {
			t.Errorf("there is %q", keys)
		}
	})
}

// An operation that fails leaves the others alone, and its error is its own.
func TestPipelineFailures(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		l, s := newList(t, env.Client, config("{t}list")), newSet(t, env.Client, config("{t}set"))
		raw(t, env.Client, "set", "{t}set:k", "a string")
		for what, exec := range map[string]func(*collection.Pipeline) error{
			"Exec":       func(p *collection.Pipeline) error { return p.Exec(t.Context()) },
			"ExecAtomic": func(p *collection.Pipeline) error { return p.ExecAtomic(t.Context()) },
		} {
			raw(t, env.Client, "unlink", "{t}list:k")
			var p collection.Pipeline
			ok, wrong, read, later := l.In(&p).PushBack("k", "a"), s.In(&p).Add("k", "a"), s.In(&p).Has("k", "a"), l.In(&p).Len("k")
			err := exec(&p)
			var typed *collection.TypeError
			if !errors.As(err, &typed) || typed.Want.String() != "set" || typed.Found != "string" {
				t.Errorf("%s: %v", what, err)
			}
			want(t, "PushBack", ok, 1)
			want(t, "Len", later, 1)
			if _, err := wrong.Result(); !errors.Is(err, collection.ErrWrongType) {
				t.Errorf("%s: Add: %v", what, err)
			}
			if _, err := read.Result(); !errors.Is(err, collection.ErrWrongType) {
				t.Errorf("%s: Has: %v", what, err)
			}
			if p.Len() != 0 {
				t.Errorf("%s leaves %d operations", what, p.Len())
			}
		}
	})
}

// What cannot be encoded is not sent; in one step, nothing is.
func TestPipelineOfWhatCannotBeEncoded(t *testing.T) {
	env := redistest.Mini(t)
	l, err := collection.NewList(env.Client, intConfig("list"))
	l = opened(t, l, err)
	var p collection.Pipeline
	good := l.In(&p).PushBack("k", 1)
	l.In(&p).PushBack("k", 2, -3)
	if err := p.ExecAtomic(t.Context()); !errors.Is(err, cache.ErrEncode) {
		t.Errorf("ExecAtomic: %v", err)
	}
	if _, err := good.Result(); !errors.Is(err, cache.ErrEncode) {
		t.Errorf("Result: %v", err)
	}
	if keys := env.Keys(t); len(keys) > 0 {
		t.Errorf("there is %q", keys)
	}
	good = l.In(&p).PushBack("k", 1)
	bad := l.In(&p).PushBack("k", 2, -3)
	if err := p.Exec(t.Context()); !errors.Is(err, cache.ErrEncode) {
		t.Errorf("Exec: %v", err)
	}
	want(t, "PushBack", good, 1)
	if _, err := bad.Result(); !errors.Is(err, cache.ErrEncode) {
		t.Errorf("Result: %v", err)
	}
	if err := p.Exec(t.Context()); err != nil {
		t.Errorf("Exec of an empty pipeline: %v", err)
	}
}

// A future before Exec has an error, and collections of two clients do not go together.
func TestPipelineMisused(t *testing.T) {
	env := redistest.Mini(t)
	l, other := newList(t, env.Client, config("list")), newSet(t, env.NewClient(t), config("set"))
	var p collection.Pipeline
	n, m := l.In(&p).PushBack("k", "a"), other.In(&p).Add("k", "a")
	if _, err := n.Result(); err == nil {
		t.Error("a result before Exec")
	}
	if err := p.Exec(t.Context()); err == nil {
		t.Error("Exec with two clients gives no error")
	}
	if _, err := m.Result(); err == nil {
		t.Error("Exec with two clients gives no error to a future")
	}
	if keys := env.Keys(t); len(keys) > 0 {
		t.Errorf("there is %q", keys)
	}
}

// A queue has every method of its collection that asks Redis in one round trip.
func TestQueuesAreComplete(t *testing.T) {
	other := []string{"All", "Check", "Close", "HotKeys", "In", "RedisKey", "Shutdown", "Stats", "With"}
	loading := []string{"GetOrSet", "GetOrSetEntry", "GetOrSetMany", "Refresh"}
	many := []string{"GetMany", "SetMany"} // a queue takes each key by itself
	for _, tt := range []struct{ of, queue reflect.Type }{
		{reflect.TypeFor[*collection.List[string, string]](), reflect.TypeFor[collection.ListQueue[string, string]]()},
		{reflect.TypeFor[*collection.Set[string, string]](), reflect.TypeFor[collection.SetQueue[string, string]]()},
		{reflect.TypeFor[*collection.SortedSet[string, string]](), reflect.TypeFor[collection.SortedSetQueue[string, string]]()},
		{reflect.TypeFor[*collection.Hash[string, person]](), reflect.TypeFor[collection.HashQueue[string, person]]()},
		{reflect.TypeFor[*cache.Cache[string, person]](), reflect.TypeFor[cache.Queue[string, person]]()},
	} {
		for m := range tt.of.Methods() {
			if slices.Contains(slices.Concat(other, loading, many), m.Name) {
				continue
			}
			if _, ok := tt.queue.MethodByName(m.Name); !ok {
				t.Errorf("%v has no %s", tt.queue, m.Name)
			}
		}
	}
}

// Each method of a queue sends what the method of the collection sends.
func TestQueuesSendTheSame(t *testing.T) {
	env := redistest.Mini(t)
	var sent commands
	env.Client.AddHook(&sent)
	l, s, z, h := newList(t, env.Client, config("list")), newSet(t, env.Client, config("set")), newSortedSet(t, env.Client, config("zset")), newHash(t, env.Client, hashConfig())
	ctx := t.Context()
	_, _ = l.PushBack(ctx, "warm", "a") // the script is known
	var p collection.Pipeline
	lq, sq, zq, hq := l.In(&p), s.In(&p), z.In(&p), h.In(&p)
	e, sc := scored{Elem: "a", Score: 1}, collection.Scores{Max: 1}
	for name, pair := range map[string][2]func(){
		"PushFront":        {func() { _, _ = l.PushFront(ctx, "k", "a") }, func() { lq.PushFront("k", "a") }},
		"PushBack":         {func() { _, _ = l.PushBack(ctx, "k", "a") }, func() { lq.PushBack("k", "a") }},
		"InsertBefore":     {func() { _, _ = l.InsertBefore(ctx, "k", "a", "b") }, func() { lq.InsertBefore("k", "a", "b") }},
		"InsertAfter":      {func() { _, _ = l.InsertAfter(ctx, "k", "a", "b") }, func() { lq.InsertAfter("k", "a", "b") }},
		"PopFront":         {func() { _, _ = l.PopFront(ctx, "k", 2) }, func() { lq.PopFront("k", 2) }},
		"PopBack":          {func() { _, _ = l.PopBack(ctx, "k", 2) }, func() { lq.PopBack("k", 2) }},
		"At":               {func() { _, _, _ = l.At(ctx, "k", 3) }, func() { lq.At("k", 3) }},
		"List.Range":       {func() { _, _ = l.Range(ctx, "k", 1, 2) }, func() { lq.Range("k", 1, 2) }},
		"Trim":             {func() { _ = l.Trim(ctx, "k", 1, 2) }, func() { lq.Trim("k", 1, 2) }},
		"List.Len":         {func() { _, _ = l.Len(ctx, "k") }, func() { lq.Len("k") }},
		"Add":              {func() { _, _ = s.Add(ctx, "k", "a") }, func() { sq.Add("k", "a") }},
		"Set.Remove":       {func() { _, _ = s.Remove(ctx, "k", "a") }, func() { sq.Remove("k", "a") }},
		"Has":              {func() { _, _ = s.Has(ctx, "k", "a") }, func() { sq.Has("k", "a") }},
		"HasMany":          {func() { _, _ = s.HasMany(ctx, "k", "a") }, func() { sq.HasMany("k", "a") }},
		"Members":          {func() { _, _ = s.Members(ctx, "k") }, func() { sq.Members("k") }},
		"Pop":              {func() { _, _ = s.Pop(ctx, "k", 2) }, func() { sq.Pop("k", 2) }},
		"Random":           {func() { _, _ = s.Random(ctx, "k", 2) }, func() { sq.Random("k", 2) }},
		"Set.Len":          {func() { _, _ = s.Len(ctx, "k") }, func() { sq.Len("k") }},
		"Union":            {func() { _, _ = s.Union(ctx, "k", "l") }, func() { sq.Union("k", "l") }},
		"Intersect":        {func() { _, _ = s.Intersect(ctx, "k", "l") }, func() { sq.Intersect("k", "l") }},
		"Diff":             {func() { _, _ = s.Diff(ctx, "k", "l") }, func() { sq.Diff("k", "l") }},
		"Put":              {func() { _, _ = z.Put(ctx, "k", e) }, func() { zq.Put("k", e) }},
		"PutIf":            {func() { _, _ = z.PutIf(ctx, "k", collection.New, e) }, func() { zq.PutIf("k", collection.New, e) }},
		"Incr":             {func() { _, _ = z.Incr(ctx, "k", "a", 2) }, func() { zq.Incr("k", "a", 2) }},
		"SortedSet.Remove": {func() { _, _ = z.Remove(ctx, "k", "a") }, func() { zq.Remove("k", "a") }},
		"Score":            {func() { _, _, _ = z.Score(ctx, "k", "a") }, func() { zq.Score("k", "a") }},
		"Rank":             {func() { _, _, _ = z.Rank(ctx, "k", "a") }, func() { zq.Rank("k", "a") }},
		"RankBack":         {func() { _, _, _ = z.RankBack(ctx, "k", "a") }, func() { zq.RankBack("k", "a") }},
		"SortedSet.Range":  {func() { _, _ = z.Range(ctx, "k", 1, 2) }, func() { zq.Range("k", 1, 2) }},
		"RangeBack":        {func() { _, _ = z.RangeBack(ctx, "k", 1, 2) }, func() { zq.RangeBack("k", 1, 2) }},
		"RangeByScore":     {func() { _, _ = z.RangeByScore(ctx, "k", sc) }, func() { zq.RangeByScore("k", sc) }},
		"RangeByScoreBack": {func() { _, _ = z.RangeByScoreBack(ctx, "k", sc) }, func() { zq.RangeByScoreBack("k", sc) }},
		"RemoveRange":      {func() { _, _ = z.RemoveRange(ctx, "k", 1, 2) }, func() { zq.RemoveRange("k", 1, 2) }},
		"RemoveByScore":    {func() { _, _ = z.RemoveByScore(ctx, "k", sc) }, func() { zq.RemoveByScore("k", sc) }},
		"PopMin":           {func() { _, _ = z.PopMin(ctx, "k", 2) }, func() { zq.PopMin("k", 2) }},
		"PopMax":           {func() { _, _ = z.PopMax(ctx, "k", 2) }, func() { zq.PopMax("k", 2) }},
		"SortedSet.Len":    {func() { _, _ = z.Len(ctx, "k") }, func() { zq.Len("k") }},
		"Get":              {func() { _, _ = h.Get(ctx, "k", name1()) }, func() { hq.Get("k", name1()) }},
		"Set":              {func() { _ = h.Set(ctx, "k", name.To("a")) }, func() { hq.Set("k", name.To("a")) }},
		"Hash.Incr":        {func() { _ = h.Incr(ctx, "k", age.Into(new(int)), 2) }, func() { hq.Incr("k", age.Into(new(int)), 2) }},
		"IncrFloat":        {func() { _ = h.IncrFloat(ctx, "k", weight.Into(new(float64)), 2) }, func() { hq.IncrFloat("k", weight.Into(new(float64)), 2) }},
		"Hash.Remove":      {func() { _, _ = h.Remove(ctx, "k", name) }, func() { hq.Remove("k", name) }},
		"ExpireFields":     {func() { _, _ = h.ExpireFields(ctx, "k", time.Minute, name) }, func() { hq.ExpireFields("k", time.Minute, name) }},
		"PersistFields":    {func() { _, _ = h.PersistFields(ctx, "k", name) }, func() { hq.PersistFields("k", name) }},
		"FieldTTL":         {func() { _, _, _ = h.FieldTTL(ctx, "k", name) }, func() { hq.FieldTTL("k", name) }},
	} {
		sent = nil
		pair[0]()
		direct := sent
		sent = nil
		pair[1]()
		_ = p.Exec(ctx)
		if len(direct) == 0 || len(sent) == 0 || direct[0] != sent[0] {
			t.Errorf("%s sends %q, and by a pipeline %q", name, direct, sent)
		}
	}
}

func name1() codec.FieldReader[person] { return name.Into(new(string)) }

// commands are those that a client has sent.
type commands []string

func (c *commands) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *commands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		*c = append(*c, fmt.Sprint(cmd.Args()...))
		return next(ctx, cmd)
	}
}

func (c *commands) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			*c = append(*c, fmt.Sprint(cmd.Args()...))
		}
		return next(ctx, cmds)
	}
}

// A write whose answer is lost is not sent again, by itself nor in a pipeline.
func TestWritesAreNotRepeated(t *testing.T) {
	env := redistest.Mini(t)
	network := new(faultnet.Network)
	rdb := env.NewClient(t, network.Through)
	l := newList(t, rdb, config("list"))
	for i, write := range []func() error{
		func() error { _, err := l.PushBack(t.Context(), "k", "a"); return err },
		func() error { return queued(l).Exec(t.Context()) },
		func() error { return queued(l).ExecAtomic(t.Context()) },
	} {
		if _, err := l.PushBack(t.Context(), "k", "a"); err != nil { // the script is known
			t.Fatal(err)
		}
		before, _ := l.Len(t.Context(), "k")
		network.LoseAnswer(isNumber)
		if err := write(); !errors.Is(err, cache.ErrRedis) {
			t.Errorf("write %d, whose answer is lost: %v", i, err)
		}
		network.LoseAnswer(nil)
		if after, err := l.Len(t.Context(), "k"); after != before+1 || err != nil {
			t.Errorf("write %d has made %d elements of %d, %v", i, after, before, err)
		}
	}
}

// isNumber tells an answer that holds a number from a greeting, which is a map.
func isNumber(answer []byte) bool { return answer[0] != '%' && bytes.Contains(answer, []byte(":")) }
