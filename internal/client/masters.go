package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// masters are the clients of a cluster's masters, in a form that honours deadlines, which a
// cluster client does not by default: a plain read goes to one of them without a goroutine
// in between. What such a read does not settle, the cluster client does in its own way.
type masters struct {
	cluster *redis.ClusterClient // nil: no reads go this way
	clones  sync.Map             // by a node's *redis.Client, nil for one with hooks
	known   atomic.Bool          // the cluster client need not look for its masters
}

// of returns the client of the master that has the key, nil for none.
func (m *masters) of(ctx context.Context, key string) *redis.Client {
	if m.cluster == nil || !m.known.Load() {
		return nil
	}
	node, err := m.cluster.MasterForKey(ctx, key)
	if err != nil {
		return nil
	}
	client, ok := m.clones.Load(node)
	if !ok {
		var honours *redis.Client
		if rdb, _, cloned := honouring(node); cloned {
			honours = rdb.(*redis.Client)
		}
		client, _ = m.clones.LoadOrStore(node, honours)
	}
	return client.(*redis.Client)
}

// forget has each node looked at anew, which may have got a hook.
func (m *masters) forget() { m.clones.Clear() }

// errUnsettled: a master has not answered, but the cluster may.
var errUnsettled = errors.New("the master did not answer")

// unsettled returns the error of a read that a master was to carry out, within ctx.
func unsettled(ctx context.Context, err error) error {
	var late net.Error
	if err == nil || ctx.Err() != nil || IsOpen(err) || errors.As(err, &late) && late.Timeout() {
		return err
	}
	return fmt.Errorf("%w: %w", errUnsettled, err)
}
