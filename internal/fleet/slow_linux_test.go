package fleet

import (
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/faultnet"
)

// connect returns a worker's client. That of a calm fleet waits for as long as it
// takes. In others half of the workers are far from Redis: what it answers is over by
// the time they hear of it.
func (w *worker) connect() redis.UniversalClient {
	o := &redis.UniversalOptions{Addrs: w.Addrs, IsClusterMode: w.Cluster, MasterName: w.Master}
	switch {
	case w.Plan.calm():
		o.ReadTimeout, o.WriteTimeout, o.DialTimeout, o.PoolTimeout = time.Minute, time.Minute, time.Minute, time.Minute
	case w.Slot%2 == 1:
		far := new(faultnet.Network)
		far.Delay(func() time.Duration { return rand.N(maxDelay) })
		far.Through(o)
	}
	return redis.NewUniversalClient(o)
}

// maxDelay is the most that an answer is late.
const maxDelay = 4 * time.Millisecond
