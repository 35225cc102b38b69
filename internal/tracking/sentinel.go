package tracking

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// isFailover reports whether a client asks Sentinels for its master.
func isFailover(opt *redis.Options) bool { return opt.Addr == "FailoverClient" }

// followSentinels has the node connect anew when the Sentinels have another master: for some
// seconds after a failover that somebody has asked for, the old one does not know that it is
// none. They are asked by dialling, which is how go-redis asks them.
func (of *shared) followSentinels(ctx context.Context, n *node) {
	for ctx.Err() == nil {
		every := time.Second
		if n.idle.Load() {
			every = lookEvery
		}
		select {
		case <-time.After(every):
		case <-of.looking:
		case <-ctx.Done():
			return
		}
		n.mu.Lock()
		c := n.conn
		n.mu.Unlock()
		if c == nil || n.state.Load() == nil {
			continue
		}
		now, err := dial(ctx, n.options)
		if err != nil {
			continue // there is no failover while they are not to be reached
		}
		if now.RemoteAddr().String() != c.RemoteAddr().String() {
			n.end()
			c.lose(errMoved)
		}
		_ = now.Close()
	}
}
