package demo

import (
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/asidecache/aside/internal/minitracking"
)

// tick is how far the clock of the embedded Redis moves at one time; it stands still otherwise.
const tick = 20 * time.Millisecond

// embeddedRedis starts a Redis in this process, which tells near caches of writes as a real one
// does.
func embeddedRedis() (addr string, stop func(), err error) {
	server, err := miniredis.Run()
	if err != nil {
		return "", nil, err
	}
	minitracking.Add(server)
	ended := make(chan struct{})
	go func() {
		clock := time.NewTicker(tick)
		defer clock.Stop()
		last := time.Now()
		for {
			select {
			case now := <-clock.C:
				server.FastForward(now.Sub(last))
				last = now
			case <-ended:
				return
			}
		}
	}()
	return server.Addr(), func() { close(ended); server.Close() }, nil
}
