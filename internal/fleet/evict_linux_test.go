package fleet

import (
	"context"
	"errors"
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
	f.onMasters(func(c *redis.Client) error {
		used, err := usage(background, c, "memory", "used_memory")
		if err != nil {
			return err
		}
		return c.ConfigSet(background, "maxmemory", strconv.FormatInt(used+spareMemory, 10)).Err()
	})
	value := make([]byte, fillerSize)
	for n := 0; ctx.Err() == nil; n++ {
		if n%100 == 0 {
			policy := []string{"allkeys-lru", "allkeys-random", "volatile-ttl"}[d.IntN(3)]
			f.onMasters(func(c *redis.Client) error { return c.ConfigSet(background, "maxmemory-policy", policy).Err() })
		}
		p := f.rdb.Pipeline()
		for range 8 {
			p.Set(background, fmt.Sprint("filler:", d.IntN(1e6)), value, time.Minute)
		}
		_, _ = p.Exec(background) // full memory and cut connections are what is wanted
		_ = pause(ctx, 2*time.Millisecond)
	}
	evicted := int64(0)
	f.onMasters(func(c *redis.Client) error {
		n, err := usage(background, c, "stats", "evicted_keys")
		evicted += n
		return errors.Join(err, c.ConfigSet(background, "maxmemory", "0").Err())
	})
	if evicted == 0 {
		f.t.Error("fleet: memory was to be short, and nothing was evicted")
	}
	e.end = now()
	f.note(e)
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
