package scenario

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
)

// lists measures slices that are cached as a Redis list, against one string of MessagePack.
func lists(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Lists",
		Text: "A slice of strings of 20 B, read as a whole by one caller: as a Redis list, which other programs and package collection work on by element, and as one string of MessagePack. " +
			"The string is the base.",
	}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return s, err
	}
	rdb := redis.NewClient(&redis.Options{Addr: proc.Addr})
	defer func() { err = errors.Join(err, rdb.Close(), proc.Kill()) }()
	t := report.Table{Head: []string{"elements", "stored as", "reads/s", "speed against the string", "allocs/op", "B/op"}}
	for _, n := range pick(l, []int{10, 1000, 100_000}, []int{10, 1000}) {
		rows, err := l.listHits(ctx, rdb, n)
		if err != nil {
			return s, err
		}
		for _, row := range rows {
			t.Add(row...)
		}
	}
	s.Tables = append(s.Tables, t)
	return s, nil
}

var errWrongList = errors.New("the slice that was read is not the one that was stored")

// cachedLists caches a slice under all keys and returns the operation of reading a random one.
func cachedLists(ctx context.Context, c *cache.Cache[string, []string], keys, elems []string) (harness.Op, error) {
	for _, key := range keys {
		if err := c.Set(ctx, key, elems); err != nil {
			return nil, err
		}
	}
	return readsList(keys, elems, func(key string) ([]string, error) {
		got, _, err := c.Get(ctx, key)
		return got, err
	}), nil
}

// readsList is the operation of reading a random key that holds the elements.
func readsList(keys, elems []string, read func(key string) ([]string, error)) harness.Op {
	return func(ctx context.Context, rng *rand.Rand, _ int) error {
		got, err := read(keys[rng.IntN(len(keys))])
		if last := len(elems) - 1; err == nil && (len(got) != len(elems) || got[last] != elems[last]) {
			err = errWrongList
		}
		return err
	}
}

// listHits reads slices of n elements in both forms, a row each.
func (l *Lab) listHits(ctx context.Context, rdb *redis.Client, n int) (rows [][]string, err error) {
	elems := make([]string, n)
	for i := range elems {
		elems[i] = fmt.Sprintf("element %012d", i)
	}
	var entries []harness.Entry
	var ops []harness.Op
	for _, form := range []struct {
		name  string
		codec codec.Codec[[]string]
	}{
		{"string", codec.Msgpack[[]string]()},
		{"list", codec.List(codec.Text[string]())},
	} {
		c, err := cache.New(rdb, cache.Config[string, []string]{Name: form.name, Codec: form.codec, TTL: time.Hour, RedisTimeout: time.Minute})
		if err != nil {
			return nil, err
		}
		defer c.Close()
		op, err := cachedLists(ctx, c, []string{strconv.Itoa(n)}, elems)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
		entries = append(entries, harness.Entry{Name: form.name, Turn: harness.Callers(ctx, 1, op)})
	}
	l.Progress("lists of %s elements", grouped(n))
	plan := l.plan(1)
	if n > 1000 { // a read takes as long as a turn of others
		plan.Turn *= 10
	}
	results, err := harness.Compare(plan, entries)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		cost, err := harness.CostOf(ctx, pick(l, max(10, 100_000/n), 10), ops[i])
		if err != nil {
			return nil, err
		}
		rows = append(rows, []string{grouped(n), r.Name, harness.Number(r.Speed.Median), r.Ratio.String(),
			strconv.FormatFloat(cost.Allocs, 'f', 0, 64), strconv.FormatFloat(cost.Bytes, 'f', 0, 64)})
	}
	return rows, nil
}
