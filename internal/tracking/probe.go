package tracking

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Probe asks a server whether it can tell of writes. The error is ErrCannotTrack, with the
// cause; it is nil where the server cannot be asked, or fails to answer.
func (l *Listener) Probe(ctx context.Context) error {
	opt, err := l.someServer(ctx)
	if err != nil {
		return nil
	}
	c, err := connect(ctx, opt, func([]byte) {}, func() {})
	if err == nil {
		defer c.end()
		err = c.track([]string{"aside:probe"}) // where there are no keys
	}
	if errors.Is(err, ErrCannotTrack) {
		return err
	}
	return nil
}

// someServer returns how to connect to a master.
func (l *Listener) someServer(ctx context.Context) (*redis.Options, error) {
	switch rdb := l.client.(type) {
	case *redis.Client:
		return rdb.Options(), nil
	case *redis.ClusterClient:
		master, err := rdb.MasterForKey(ctx, "")
		if err != nil {
			return nil, err
		}
		return master.Options(), nil
	}
	panic("unreachable")
}
