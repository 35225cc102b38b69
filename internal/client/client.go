package client

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
)

// A Client sends the commands of one store, within its timeout. What it has in common with
// the other stores on its redis.UniversalClient is in the executor.
type Client struct {
	*executor
	timeouts    *timeouts
	detached    detached
	replicas    int     // that writes wait for
	prefix      string  // of keys that stand beside values, see rediskey.ScratchKey
	unpipelined bool    // its commands share no pipelines, and are not counted
	answers     average // size of a read's answer
	values      average // size of the answers for each of many keys
	released    sync.Once

	tell         func(Change) // see Watch
	openedBefore uint64       // breakers, when the store was made
	explained    atomic.Pointer[explainedOpen]
}

// New returns a client whose commands wait for Redis no longer than timeout. The error says
// why rdb cannot serve.
func New(rdb redis.UniversalClient, timeout time.Duration) (*Client, error) {
	if err := check(rdb); err != nil {
		return nil, err
	}
	c := executorOf(rdb).newClient(timeout)
	c.breakers.allow(timeout)
	c.openedBefore = c.breakers.opened.Load()
	return c, nil
}

// newClient returns a client of an executor.
func (x *executor) newClient(timeout time.Duration) *Client {
	c := &Client{executor: x, timeouts: x.timeoutsOf(timeout), prefix: rediskey.ControlPrefix}
	c.detached.abandoned = &c.abandoned
	return c
}

// check returns an error if a client cannot serve.
func check(rdb redis.UniversalClient) error {
	if rdb == nil || reflect.ValueOf(rdb).Kind() == reflect.Pointer && reflect.ValueOf(rdb).IsNil() {
		return errors.New("the client is nil: " +
			"pass a connected redis.UniversalClient, such as redis.NewClient returns")
	}
	switch rdb := rdb.(type) {
	case *redis.Client:
		if rdb.Options().ClientSideCacheConfig != nil {
			return errors.New("the client caches answers itself (ClientSideCacheConfig) " +
				"and may return a value after it was deleted: pass a client without it")
		}
	case *redis.ClusterClient:
		opt := rdb.Options()
		if opt.ReadOnly || opt.RouteByLatency || opt.RouteRandomly {
			return errors.New("the cluster client reads from replicas " +
				"(ReadOnly, RouteByLatency or RouteRandomly), which may still hold a value that was deleted: " +
				"pass a client that reads from masters")
		}
	case *redis.Ring:
		return errors.New("a redis.Ring forgets deletes when a shard leaves and comes back: " +
			"pass a redis.Client or redis.ClusterClient")
	}
	return nil
}

// Redis returns what commands are sent with.
func (x *executor) Redis() redis.UniversalClient { return x.rdb }

// KeepsCommands reports whether somebody else may look at a command, or keep it, such as a
// hook: then it must not be used again.
func (x *executor) KeepsCommands() bool { return !x.cloned }

// Standalone reports whether the client is no cluster's, so that a command may name several
// keys of one slot at any time.
func (x *executor) Standalone() bool { return x.standalone }

// MultiKey reports whether one command can name keys of different slots. A client of one
// node of a cluster finds out when it tries, see IsCrossSlot.
func (x *executor) MultiKey() bool { return x.standalone && !x.crossSlot.Load() }

// IsCrossSlot reports whether a command failed since its keys are of different slots. No
// further one is to name such keys.
func (x *executor) IsCrossSlot(err error) bool {
	crossSlot := redis.HasErrorPrefix(err, "CROSSSLOT")
	if crossSlot {
		x.crossSlot.Store(true)
	}
	return crossSlot
}

// A Conn is what commands are sent on: the client, or one connection of it.
type Conn interface {
	Process(ctx context.Context, cmd redis.Cmder) error
	Pipeline() redis.Pipeliner
}

// Context returns ctx, bounded by now plus the timeout. A context with an earlier deadline of
// its own is returned as it is.
func (c *Client) Context(ctx context.Context, now time.Time) context.Context {
	return c.timeouts.context(ctx, now)
}

// WithDeadline returns ctx, bounded by a deadline.
func (c *Client) WithDeadline(
	ctx context.Context, deadline time.Time) (context.Context, context.CancelFunc,
) {
	return c.timeouts.until(ctx, deadline)
}

// WaitForReplicas makes every write of Set, SetIfAbsent, SetAbsent and Delete wait
// until so many replicas have it. What a load stores need not wait: a fill that a
// failover forgets is loaded anew. The error says why the client cannot serve. It has
// to be called before the client is used.
func (c *Client) WaitForReplicas(n int) error {
	switch c.rdb.(type) {
	case *redis.Client, *redis.ClusterClient:
		c.replicas = n
		return nil
	}
	return fmt.Errorf("WaitReplicas needs a redis.Client or redis.ClusterClient, "+
		"which can keep to one connection: a %T cannot", c.rdb)
}

// SetControlPrefix sets what begins the keys that the client writes beside values. It has to be
// called before the client is used.
func (c *Client) SetControlPrefix(prefix string) { c.prefix = prefix }

// Replicas returns for how many replicas writes wait.
func (c *Client) Replicas() int { return c.replicas }
