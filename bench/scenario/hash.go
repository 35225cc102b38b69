package scenario

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// A task is work without Redis.
type task struct {
	name string
	do   func() error
}

// inProcess measures tasks against the first of them, a row each.
func (l *Lab) inProcess(ctx context.Context, title string, tasks []task) (report.Table, error) {
	l.Progress("%s", title)
	t := report.Table{Title: title, Head: []string{"", "ns/op", "speed against the first", "allocs/op", "B/op"}}
	const calls = 32 // for one look at the clock
	var entries []harness.Entry
	for _, task := range tasks {
		entries = append(entries, harness.Entry{Name: task.name, Turn: harness.Callers(ctx, 1, func(context.Context, *rand.Rand, int) error {
			for range calls {
				if err := task.do(); err != nil {
					return err
				}
			}
			return nil
		})})
	}
	results, err := harness.Compare(l.plan(1), entries)
	if err != nil {
		return t, err
	}
	for i, r := range results {
		cost, err := harness.CostOf(ctx, pick(l, 10_000, 500), func(context.Context, *rand.Rand, int) error { return tasks[i].do() })
		if err != nil {
			return t, err
		}
		t.Add(r.Name, harness.Number(1e9/(r.Speed.Median*calls)), r.Ratio.String(),
			strconv.FormatFloat(cost.Allocs, 'f', 0, 64), strconv.FormatFloat(cost.Bytes, 'f', 0, 64))
	}
	return t, nil
}

var errWrongValue = errors.New("what was decoded is not what was encoded")

// decodes checks what a task has decoded.
func decodes(a *subject.Account, decode func(*subject.Account) error) func() error {
	return func() error {
		var back subject.Account
		if err := decode(&back); err != nil {
			return err
		}
		if back.Referrer != a.Referrer || len(back.Bio) != len(a.Bio) {
			return errWrongValue
		}
		return nil
	}
}

// hash measures structs as fields of a hash, without Redis.
func hash(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Hash encode and decode",
		Text: "The struct of twelve fields (300 B) to and from the fields of a hash, in the process alone. By hand is what a programmer writes for this very struct. " +
			"go-redis's HSet of a struct is measured up to the arguments of the command, without their way to the server; its Scan on a map that is ready, without HGETALL.",
	}
	mapping, err := hashmap.Of[subject.Account]()
	if err != nil {
		return s, err
	}
	a := subject.Sized(subject.Small)
	var hand, ours, ready codec.Wire
	if err := mapping.Encode(&ready, &a); err != nil {
		return s, err
	}
	fields := map[string]string{}
	for i := range ready.Len() {
		fields[string(ready.Name(i))] = string(ready.Value(i))
	}
	rdb := redis.NewClient(&redis.Options{Addr: "not asked"})
	defer rdb.Close()
	pipe := rdb.Pipeline()
	encode := []task{
		{"by hand", func() error { hand.Reset("account:1"); return subject.EncodeHash(&hand, &a) }},
		{"aside hashmap", func() error { ours.Reset("account:1"); return mapping.Encode(&ours, &a) }},
		{"go-redis HSet(struct), arguments", func() error {
			pipe.HSet(ctx, "account:1", &a)
			pipe.Discard()
			return nil
		}},
	}
	decode := []task{
		{"by hand", decodes(&a, func(back *subject.Account) error { return subject.DecodeHash(&ready, back) })},
		{"aside hashmap", decodes(&a, func(back *subject.Account) error { return mapping.Decode(&ready, back) })},
		{"go-redis Scan of a map", decodes(&a, func(back *subject.Account) error {
			return redis.NewMapStringStringResult(fields, nil).Scan(back)
		})},
	}
	return l.tasks(ctx, s, "Encode", encode, "Decode", decode)
}

// tasks adds two tables of tasks to a section.
func (l *Lab) tasks(ctx context.Context, s report.Section, title string, tasks []task, title2 string, tasks2 []task) (report.Section, error) {
	first, err := l.inProcess(ctx, title, tasks)
	if err != nil {
		return s, err
	}
	second, err := l.inProcess(ctx, title2, tasks2)
	s.Tables = append(s.Tables, first, second)
	return s, err
}
