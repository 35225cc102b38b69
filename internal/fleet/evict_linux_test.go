package fleet

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	spareMemory = 3 << 20 // what Redis has beyond what it used at the start
	fillerSize  = 8 << 10
)

// evict makes memory short: other keys are written all the time, so that Redis has to
// evict, by one policy after another. It counts as one fault from begin to end,
// because Redis does not tell whom it hit.
func (f *fleet) evict(ctx context.Context, d dice) {
	background := context.Background()
	e := event{kind: fault, op: evict, key: noKey, span: span{begin: now()}}
	before := f.evicted()
	f.onMasters(func(c *redis.Client) error {
		used, err := usage(background, c, "memory", "used_memory")
		if err != nil {
			return err
		}
		return c.ConfigSet(background, "maxmemory", strconv.FormatInt(used+spareMemory, 10)).Err()
	})
	for n := 0; ctx.Err() == nil || f.evicted() == before && !f.t.Failed(); n++ {
		if n%100 == 0 {
			policy := []string{"allkeys-lru", "allkeys-random", "volatile-ttl"}[d.IntN(3)]
			f.onMasters(func(c *redis.Client) error { return c.ConfigSet(background, "maxmemory-policy", policy).Err() })
		}
		count := 8
		if n == 0 {
			count = len(f.masters) * spareMemory / fillerSize
		}
		f.fill(d, count)
		_ = pause(ctx, 2*time.Millisecond)
	}
	f.onMasters(func(c *redis.Client) error { return c.ConfigSet(background, "maxmemory", "0").Err() })
	e.end = now()
	f.note(e)
}

// fill writes keys of no interest. That it fails in short memory and on cut
// connections is what is wanted.
func (f *fleet) fill(d dice, count int) {
	value := make([]byte, fillerSize)
	p := f.rdb.Pipeline()
	for range count {
		p.Set(context.Background(), fmt.Sprint("filler:", d.IntN(1e6)), value, time.Minute)
	}
	_, _ = p.Exec(context.Background())
}

// evicted returns how many keys were evicted so far.
func (f *fleet) evicted() (n int64) {
	f.onMasters(func(c *redis.Client) error {
		more, err := usage(context.Background(), c, "stats", "evicted_keys")
		n += more
		return err
	})
	return n
}

// usage returns a number that INFO tells.
func usage(ctx context.Context, c *redis.Client, section, name string) (int64, error) {
	info, err := c.InfoMap(ctx, section).Result()
	if err != nil {
		return 0, err
	}
	for _, fields := range info {
		if n, ok := fields[name]; ok {
			return strconv.ParseInt(n, 10, 64)
		}
	}
	return 0, fmt.Errorf("INFO %s has no %s", section, name)
}
