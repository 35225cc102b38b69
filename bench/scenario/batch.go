package scenario

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/server"
	"github.com/asidecache/aside/bench/subject"
	"github.com/asidecache/aside/cache"
)

const batchSize = 100

// freshKey returns a key that nobody has used.
func freshKey(prefix string, rng *rand.Rand) string {
	return prefix + strconv.FormatUint(rng.Uint64(), 36)
}

// A batcher obtains many keys at once: a read, one load of what is missing, and
// the fill.
type batcher struct {
	name  string
	keys  []string // of which some or all are cached
	fetch fetcher
	close func()
}

type (
	fetcher  func(ctx context.Context, keys []string, a subject.Account) (found int, err error)
	accounts = *cache.Cache[string, subject.Account]
)

// op asks for so many cached keys, and new ones for the rest.
func (b batcher) op(a subject.Account, cached int) harness.Op {
	return func(ctx context.Context, rng *rand.Rand, _ int) error {
		batch := make([]string, 0, batchSize)
		batch = append(batch, b.keys[:cached]...)
		for len(batch) < batchSize {
			batch = append(batch, freshKey(b.keys[0]+":", rng))
		}
		found, err := b.fetch(ctx, batch, a)
		if err == nil && found != cached {
			err = fmt.Errorf("%d keys were found and not %d", found, cached)
		}
		return err
	}
}

// batch measures 100 keys of which half are missing, and of which none is.
func batch(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Batch",
		Text: fmt.Sprintf("%d keys at once, of 300 B each: with %d of them cached, the others being loaded (at once) and stored; and with all of them cached. "+
			"By hand on the clients, which neither share loads nor fence them: no other cache library that is measured here does this in Redis. "+
			"A request of more than 16 KB, such as aside's store of %d values, is read in two parts and counts as two round trips.",
			batchSize, batchSize/2, batchSize/2),
	}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	a := subject.Sized(subject.Small)
	batchers, err := openBatchers(proc.Addr)
	defer func() {
		for _, b := range batchers {
			b.close()
		}
	}()
	if err != nil {
		return s, err
	}
	refill := func() error {
		errs := []error{proc.Flush(ctx)}
		for _, b := range batchers {
			_, err := b.fetch(ctx, b.keys, a)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
	for _, kind := range []struct {
		title  string
		cached int
		pause  func() error
	}{
		{"Half of them missing", batchSize / 2, refill},
		{"All there", batchSize, nil},
	} {
		if err := refill(); err != nil {
			return s, err
		}
		op := func(b batcher) harness.Op { return b.op(a, kind.cached) }
		t, err := l.batches(ctx, proc, batchers, op, kind.pause)
		if err != nil {
			return s, err
		}
		t.Title = kind.title
		s.Tables = append(s.Tables, t)
	}
	return s, nil
}

// batches measures an operation of batchers, and its costs.
func (l *Lab) batches(
	ctx context.Context, proc *server.Process, batchers []batcher, op func(batcher) harness.Op, pause func() error,
) (report.Table, error) {
	t := report.Table{Head: []string{"contender"}}
	for _, b := range batchers {
		t.Add(b.name)
	}
	for _, callers := range []int{1, 16} {
		l.Progress("batch: %s", plural(callers, "caller"))
		plan := l.plan(callers)
		plan.Pause = pause
		var entries []harness.Entry
		for _, b := range batchers {
			entries = append(entries, harness.Entry{Name: b.name, Turn: harness.Callers(ctx, callers, op(b))})
		}
		results, err := l.run(plan, entries)
		if err != nil {
			return t, err
		}
		addColumn(&t, plural(callers, "caller"), results, ratio)
	}
	t.Head = append(t.Head, billHead...)
	for i, b := range batchers {
		bill, err := l.bill(ctx, proc, op(b))
		if err != nil {
			return t, err
		}
		t.Rows[i] = append(t.Rows[i], bill.cells()...)
	}
	return t, nil
}

func openBatchers(addr string) ([]batcher, error) {
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	out := []batcher{{"go-redis MGet + pipelined Sets", keys(0, batchSize), goRedisBatch(rdb), func() { rdb.Close() }}}
	r, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}})
	if err != nil {
		return out, err
	}
	out = append(out, batcher{"rueidis MGET + DoMulti SETs", keys(1, batchSize), rueidisBatch(r), r.Close})
	for i, form := range []struct {
		name  string
		lease time.Duration
		fetch func(accounts) fetcher
	}{
		{"aside GetOrSetMany", 0, getOrSetMany},
		{"aside GetOrSetMany, Lease Off", cache.Off, getOrSetMany},
		{"aside GetMany + SetMany", 0, getAndSetMany},
	} {
		c, err := cache.New(rdb, cache.Config[string, subject.Account]{
			Name: "batch" + strconv.Itoa(i), TTL: contender.TTL, Lease: form.lease,
		})
		if err != nil {
			return out, err
		}
		out = append(out, batcher{form.name, keys(i+2, batchSize), form.fetch(c), func() { _ = c.Close() }})
	}
	again := redis.NewClient(&redis.Options{Addr: addr})
	return append(out, batcher{controlName, keys(len(out), batchSize), goRedisBatch(again), func() { again.Close() }}), nil
}

// getAndSetMany fills by hand, as programs do that look before they load.
func getAndSetMany(c accounts) fetcher {
	return func(ctx context.Context, keys []string, a subject.Account) (found int, err error) {
		got, err := c.GetMany(ctx, keys)
		if err != nil || len(got) == len(keys) {
			return len(got), err
		}
		missing := make(map[string]subject.Account, len(keys)-len(got))
		for _, key := range keys {
			if _, ok := got[key]; !ok {
				missing[key] = a
			}
		}
		return len(got), c.SetMany(ctx, missing)
	}
}

func getOrSetMany(c accounts) fetcher {
	return func(ctx context.Context, keys []string, a subject.Account) (found int, err error) {
		loaded := 0
		got, err := c.GetOrSetMany(ctx, keys, func(_ context.Context, keys []string) (map[string]subject.Account, error) {
			loaded += len(keys)
			values := make(map[string]subject.Account, len(keys))
			for _, key := range keys {
				values[key] = a
			}
			return values, nil
		})
		return len(got) - loaded, err
	}
}

func goRedisBatch(rdb *redis.Client) fetcher {
	return func(ctx context.Context, keys []string, a subject.Account) (found int, err error) {
		values, err := rdb.MGet(ctx, keys...).Result()
		if err != nil {
			return 0, err
		}
		got := make(map[string]subject.Account, len(keys))
		pipe := rdb.Pipeline()
		for i, v := range values {
			if text, ok := v.(string); ok {
				var a subject.Account
				if err := msgpack.Unmarshal([]byte(text), &a); err != nil {
					return 0, err
				}
				got[keys[i]] = a
				found++
				continue
			}
			b, err := msgpack.Marshal(&a)
			if err != nil {
				return 0, err
			}
			got[keys[i]] = a
			pipe.Set(ctx, keys[i], b, contender.TTL)
		}
		_, err = pipe.Exec(ctx)
		return found, err
	}
}

func rueidisBatch(c rueidis.Client) fetcher {
	return func(ctx context.Context, keys []string, a subject.Account) (found int, err error) {
		values, err := c.Do(ctx, c.B().Mget().Key(keys...).Build()).ToArray()
		if err != nil {
			return 0, err
		}
		got := make(map[string]subject.Account, len(keys))
		var sets rueidis.Commands
		for i, v := range values {
			b, err := v.AsBytes()
			switch {
			case err == nil:
				var a subject.Account
				if err := msgpack.Unmarshal(b, &a); err != nil {
					return 0, err
				}
				got[keys[i]] = a
				found++
			case !rueidis.IsRedisNil(err):
				return 0, err
			default:
				if b, err = msgpack.Marshal(&a); err != nil {
					return 0, err
				}
				got[keys[i]] = a
				sets = append(sets, c.B().Set().Key(keys[i]).Value(rueidis.BinaryString(b)).Ex(contender.TTL).Build())
			}
		}
		for _, r := range c.DoMulti(ctx, sets...) {
			if err := r.Error(); err != nil {
				return 0, err
			}
		}
		return found, nil
	}
}
