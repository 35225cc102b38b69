package fleet

import (
	"context"
	"math/rand/v2"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// connect returns a worker's client. That of a calm fleet waits for as long as it
// takes. In others half of the workers are far from Redis: what it answers is over by
// the time they hear of it.
func (w *worker) connect() redis.UniversalClient {
	o := &redis.UniversalOptions{Addrs: w.Addrs, IsClusterMode: w.Cluster}
	switch {
	case w.Plan.calm():
		o.ReadTimeout, o.WriteTimeout, o.DialTimeout, o.PoolTimeout = time.Minute, time.Minute, time.Minute, time.Minute
	case w.Slot%2 == 1:
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			return slowConn{c}, err
		}
	}
	return redis.NewUniversalClient(o)
}

// A slowConn delivers late what it has received.
type slowConn struct{ net.Conn }

const maxDelay = 4 * time.Millisecond

func (c slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	time.Sleep(rand.N(maxDelay))
	return n, err
}
