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
	keys  []string // that are cached
	fetch func(ctx context.Context, keys []string, a subject.Account) (found int, err error)
	close func()
}

// op asks for cached keys and as many new ones.
func (b batcher) op(ctx context.Context, a subject.Account) harness.Op {
	return func(rng *rand.Rand, _ int) error {
		batch := make([]string, 0, batchSize)
		batch = append(batch, b.keys...)
		for len(batch) < batchSize {
			batch = append(batch, freshKey(b.keys[0]+":", rng))
		}
		found, err := b.fetch(ctx, batch, a)
		if err == nil && found != len(b.keys) {
			err = fmt.Errorf("%d keys were found and not %d", found, len(b.keys))
		}
		return err
	}
}

// batch measures 100 keys of which half are missing.
func batch(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Batch",
		Text: fmt.Sprintf("%d keys at once, %d of them cached; the others are loaded (at once, 300 B each) and stored. By hand on the clients, which neither share "+
			"loads nor fence them: no other cache library that is measured here does this in Redis. A request of more than 16 KB, such as aside's store of %d values, is read in two parts and counts as two round trips.",
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
	t := report.Table{Head: []string{"contender"}}
	for _, b := range batchers {
		t.Add(b.name)
	}
	for _, callers := range []int{1, 16} {
		l.Progress("batch: %s", plural(callers, "caller"))
		plan := l.plan(callers)
		plan.Pause = refill
		var entries []harness.Entry
		for _, b := range batchers {
			entries = append(entries, harness.Entry{Name: b.name, Turn: harness.Callers(callers, b.op(ctx, a))})
		}
		results, err := harness.Compare(plan, entries)
		if err != nil {
			return s, err
		}
		t.Head = append(t.Head, plural(callers, "caller"))
		for i, r := range results {
			t.Rows[i] = append(t.Rows[i], ratio(i, r))
		}
	}
	t.Head = append(t.Head, billHead...)
	for i, b := range batchers {
		bill, err := l.bill(ctx, proc, b.op(ctx, a))
		if err != nil {
			return s, err
		}
		t.Rows[i] = append(t.Rows[i], bill.cells()...)
	}
	s.Tables = append(s.Tables, t)
	return s, nil
}

func openBatchers(addr string) ([]batcher, error) {
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	out := []batcher{{"go-redis MGet + pipelined Sets", keys(0, batchSize/2), goRedisBatch(rdb), func() { rdb.Close() }}}
	r, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}})
	if err != nil {
		return out, err
	}
	out = append(out, batcher{"rueidis MGET + DoMulti SETs", keys(1, batchSize/2), rueidisBatch(r), r.Close})
	for i, lease := range []time.Duration{0, cache.Off} {
		b, err := asideBatch(rdb, i+2, lease)
		if err != nil {
			return out, err
		}
		out = append(out, b)
	}
	return out, nil
}

func asideBatch(rdb *redis.Client, family int, lease time.Duration) (batcher, error) {
	name := "aside GetOrSetMany"
	if lease == cache.Off {
		name += ", Lease Off"
	}
	accounts, err := cache.New(rdb, cache.Config[string, subject.Account]{
		Name: "batch" + strconv.Itoa(family), TTL: contender.TTL, Lease: lease,
	})
	if err != nil {
		return batcher{}, err
	}
	return batcher{name, keys(family, batchSize/2), func(ctx context.Context, keys []string, a subject.Account) (found int, err error) {
		loaded := 0
		got, err := accounts.GetOrSetMany(ctx, keys, func(_ context.Context, keys []string) (map[string]subject.Account, error) {
			loaded += len(keys)
			values := make(map[string]subject.Account, len(keys))
			for _, key := range keys {
				values[key] = a
			}
			return values, nil
		})
		return len(got) - loaded, err
	}, func() { _ = accounts.Close() }}, nil
}

func goRedisBatch(rdb *redis.Client) func(context.Context, []string, subject.Account) (int, error) {
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

func rueidisBatch(c rueidis.Client) func(context.Context, []string, subject.Account) (int, error) {
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
