package tracking

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Probe asks each master whether it can tell of writes, until ctx ends. The error is
// ErrCannotTrack, with the cause, of one that cannot; it is nil where none says so, as those do
// that cannot be asked, or fail to answer.
func (l *Listener) Probe(ctx context.Context) error {
	masters, err := l.masters(ctx)
	if err != nil {
		return nil
	}
	_, cluster := l.client.(*redis.ClusterClient)
	var probes sync.WaitGroup
	refusals := make(chan error, len(masters))
	for _, opt := range masters {
		probes.Go(func() {
			if err := probe(ctx, opt, cluster); errors.Is(err, ErrCannotTrack) {
				refusals <- err
			}
		})
	}
	probes.Wait()
	close(refusals)
	return <-refusals
}

// masters returns how to connect to each master.
func (l *Listener) masters(ctx context.Context) (map[string]*redis.Options, error) {
	if cluster, ok := l.client.(*redis.ClusterClient); ok {
		return mastersOf(ctx, cluster)
	}
	opt := l.client.(*redis.Client).Options()
	return map[string]*redis.Options{opt.Addr: opt}, nil
}

// probe asks one master all that it is asked when it is listened to.
func probe(ctx context.Context, opt *redis.Options, cluster bool) error {
	c, err := connect(ctx, opt, func([]byte) {}, func() {})
	if err != nil {
		return err
	}
	defer c.end()
	if err := c.track([]string{"aside:probe"}); err != nil || !cluster { // where there are no keys
		return err
	}
	_, err = c.ask("CLUSTER", "NODES")
	return cannotTrack(err)
}
