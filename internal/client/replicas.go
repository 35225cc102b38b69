package client

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
)

// sendReplicated sends each master its steps on one connection, and waits there.
func (c *Client) sendReplicated(
	ctx context.Context, steps []Step, inOneStep bool, replicas int) ([]error, error,
) {
	errs := make([]error, len(steps))
	keys := make([]string, len(steps))
	pending := make([]int, len(steps))
	for i, step := range steps {
		keys[i], pending[i] = step.Key(), i
	}
	err := c.followMoves(ctx, func() error {
		byMaster, err := c.byMaster(ctx, keys, pending)
		if err != nil {
			return err
		}
		masters := slices.Collect(maps.Keys(byMaster))
		forEach(len(masters), len(masters), func(i int) {
			c.sendTo(ctx, masters[i], replicas, steps, byMaster[masters[i]], errs, inOneStep)
		})
		pending = slices.DeleteFunc(pending, func(i int) bool { return !isMoved(errs[i]) })
		if len(pending) == 0 {
			return nil
		}
		return errs[pending[0]]
	})
	if isMoved(err) { // as the errors of the steps say
		err = nil
	}
	return errs, err
}

// byMaster returns which of the given indexes of keys each server holds.
func (c *Client) byMaster(
	ctx context.Context, keys []string, indexes []int) (map[*redis.Client][]int, error,
) {
	parts := make(map[*redis.Client][]int)
	for _, i := range indexes {
		master, err := c.master(ctx, keys[i])
		if err != nil {
			return nil, err
		}
		parts[master] = append(parts[master], i)
	}
	return parts, nil
}

// sendTo sends the steps of the given indexes to one server, and sets their errors.
func (c *Client) sendTo(
	ctx context.Context, master *redis.Client, replicas int,
	steps []Step, indexes []int, errs []error, inOneStep bool,
) {
	part := make([]Step, len(indexes))
	durable := ""
	for n, i := range indexes {
		errs[i] = nil
		part[n] = steps[i]
		if part[n].Durable() {
			durable = part[n].Key()
		}
	}
	send := func(ctx context.Context, to Conn) error {
		found, err := c.sendOn(ctx, to, part, inOneStep)
		for n, err := range found {
			errs[indexes[n]] = err
		}
		if err == nil && durable != "" && !slices.ContainsFunc(part, hasChanged) {
			err = c.writeBarrier(ctx, to, durable)
		}
		return err
	}
	var err error
	if durable == "" {
		err = send(ctx, master)
	} else {
		err = c.onConn(ctx, master, replicas, retryOf(part), send)
	}
	for _, i := range indexes {
		if err != nil && (steps[i].Durable() || durable == "") {
			errs[i] = cmp.Or(errs[i], err)
		}
	}
}

// hasChanged reports whether it is known that a step has written something.
func hasChanged(step Step) bool {
	changing, ok := step.(interface{ Changed() bool })
	return ok && changing.Changed()
}

// onConn calls write with a connection of a server and waits for so many replicas. What
// may be repeated it calls again with another connection when the first is lost.
func (c *Client) onConn(
	ctx context.Context, master *redis.Client, replicas int, retry Retry,
	write func(context.Context, Conn) error,
) error {
	for try := 0; ; try++ {
		if err := c.onOneConn(ctx, master, replicas, write); !c.again(ctx, retry, try, err) {
			return err
		}
	}
}

func (c *Client) onOneConn(
	ctx context.Context, master *redis.Client, replicas int, write func(context.Context, Conn) error,
) error {
	deadline, _ := ctx.Deadline()
	conn, longest := waitingConn(master, time.Until(deadline))
	defer conn.Close()
	if err := write(ctx, conn); err != nil {
		return err
	}
	timeout := min(time.Until(deadline), longest)
	timeout = max(timeout-min(waitDelay, timeout/2), time.Millisecond)
	wait := NewSmall(ctx, "wait", replicas, timeout.Milliseconds())
	if err := c.Process(ctx, conn, wait.RawWriteToCmd); err != nil {
		return err
	}
	have, err := wait.Int()
	if err == nil && have < int64(replicas) {
		err = fmt.Errorf("the write was carried out, "+
			"but only %d of %d replicas have confirmed it in time", have, replicas)
	}
	return err
}

// connOf returns one connection of a server, which is to be closed.
func connOf(server *redis.Client) *redis.Conn {
	conn, _ := waitingConn(server, 0)
	return conn
}

// waitingConn is connOf for a command whose answer may take so long. It returns how long the
// connection waits.
//
// The connection comes from a clone of the client: a Conn has its client's options, but not
// the lock under which either of them notes what the server of a new connection cannot do. A
// client with hooks has to stand that race, and keeps its ReadTimeout, as a clone would lose
// the hooks.
func waitingConn(server *redis.Client, longest time.Duration) (*redis.Conn, time.Duration) {
	own := server.Options().ReadTimeout
	switch {
	case hooked(server):
		if own > 0 {
			longest = min(longest, own)
		}
	default:
		server = cloneOf(server)
		if own > 0 {
			server.Options().ReadTimeout = max(longest, own)
		}
	}
	return server.Conn(), longest
}

// waitDelay is how long before the deadline WAIT has to give up: an idle server
// notices ten times a second that it has waited long enough.
const waitDelay = 150 * time.Millisecond

// writeBarrier writes something, which WAIT then waits for, and all that was written
// before. A write that changes nothing leaves no trace for WAIT: a delete that is
// repeated because its first answer was lost would be said to be safe at once.
func (c *Client) writeBarrier(ctx context.Context, to Conn, key string) error {
	trace := rediskey.ScratchKey(c.prefix, key)
	return c.Process(ctx, to, NewSmall(ctx, "set", trace, "", "px", 1))
}

const reloadPause = 5 * time.Millisecond

// reload has the cluster client learn where its keys are. It reports false when there is no
// time for that.
func (c *Client) reload(ctx context.Context) bool {
	if !c.reloads.want(c.rdb) {
		return false
	}
	select {
	case <-time.After(reloadPause):
		return true
	case <-ctx.Done():
		return false
	}
}

// master returns the client of the server that holds key, nil if the client's type does not
// lead to one.
func (x *executor) master(ctx context.Context, key string) (*redis.Client, error) {
	switch rdb := x.rdb.(type) {
	case *redis.ClusterClient:
		return rdb.MasterForKey(ctx, key)
	case *redis.Client:
		return rdb, nil
	}
	return nil, nil
}

// followMoves calls send, again for as long as its error says that a key has moved: one
// connection does not follow keys.
func (c *Client) followMoves(ctx context.Context, send func() error) error {
	for {
		if err := send(); !isMoved(err) || !c.reload(ctx) {
			return err
		}
	}
}

func isMoved(err error) bool {
	_, moved := redis.IsMovedError(err)
	_, asks := redis.IsAskError(err)
	return moved || asks
}

// MasterOf returns what tells the server of a key from others.
func (c *Client) MasterOf(ctx context.Context, key string) (server any, err error) {
	return c.master(ctx, key)
}
