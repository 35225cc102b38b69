package client

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A server takes no argument that is longer than its proto-max-bulk-len: it closes the
// connection, with an error before that, which is often lost. So the server is asked before
// anything is sent that may be too long. One that does not say, as an ACL or the provider
// forbids it, shows it by what it refuses.

const (
	alwaysTaken = 1 << 20 // bytes of an argument, the lowest that proto-max-bulk-len can be
	limitLife   = time.Minute
	enough      = 2 // connections that are lost in a row over an argument tell that it is too long
)

// limits are what is known of the servers of a client.
type limits struct {
	mu   sync.Mutex
	of   map[*redis.Client]limit // by the master of a cluster; otherwise there is one
	kept bool                    // for tests: none is forgotten
}

// A limit is what is known of the arguments that one server takes.
type limit struct {
	ends    time.Time // when it is forgotten
	longest int       // that the server says it takes; 0: it does not say
	refused int       // it has refused one of so many bytes; 0: none
	suspect int       // over one of so many bytes, or less, connections were lost in a row
	losses  int       // so many
}

// FitArguments calls send, which sends the arguments of a key the longest of which has size
// bytes. It returns an ErrTooLarge in its place if the server is known not to take that.
func (c *Client) FitArguments(
	ctx context.Context, key string, size int, retry Retry, send func() error,
) error {
	if size <= alwaysTaken {
		return send()
	}
	server, err := c.master(ctx, key)
	if err != nil {
		return err
	}
	if err := c.checkSize(ctx, server, size); err != nil {
		return err
	}
	return c.recordSize(ctx, server, size, retry, send())
}

// SendSteps is sendSteps for those whose arguments the servers are not known to refuse. It
// returns an ErrTooLarge for each other one; in one step, all of them are sent or none.
func (c *Client) SendSteps(
	ctx context.Context, steps []Step, inOneStep bool, replicas int) ([]error, error,
) {
	if !slices.ContainsFunc(steps, func(step Step) bool { return step.Largest() > alwaysTaken }) {
		return c.sendSteps(ctx, steps, inOneStep, replicas)
	}
	type place struct {
		server *redis.Client
		step   int
	}
	var large []place
	errs := make([]error, len(steps))
	for i, step := range steps {
		if step.Largest() <= alwaysTaken {
			continue
		}
		var server *redis.Client
		if server, errs[i] = c.master(ctx, step.Key()); errs[i] == nil {
			errs[i] = c.checkSize(ctx, server, step.Largest())
		}
		switch {
		case errs[i] == nil:
			large = append(large, place{server, i})
		case inOneStep:
			return nil, errs[i]
		}
	}
	var fitting []Step
	var places []int
	for i, step := range steps {
		if errs[i] == nil {
			fitting, places = append(fitting, step), append(places, i)
		}
	}
	if len(fitting) == 0 {
		return errs, nil
	}
	sent, err := c.sendSteps(ctx, fitting, inOneStep, replicas)
	for n, i := range places {
		errs[i] = err
		if err == nil {
			errs[i] = sent[n]
		}
	}
	longest := make(map[*redis.Client]int) // of the steps for each server, which share a connection
	for _, p := range large {
		if i, ok := longest[p.server]; !ok || steps[p.step].Largest() > steps[i].Largest() {
			longest[p.server] = p.step
		}
	}
	for server, i := range longest {
		errs[i] = c.recordSize(ctx, server, steps[i].Largest(), retryOf(fitting), errs[i])
	}
	return errs, nil
}

// checkSize returns an error if a server is known not to take an argument of so many bytes.
func (c *Client) checkSize(ctx context.Context, server *redis.Client, size int) error {
	l, known := c.limits.get(server)
	if !known {
		l = c.askLimit(ctx, server)
	}
	switch {
	case l.longest > 0 && size > l.longest:
		return fmt.Errorf("%w: a part of %d bytes is longer than the %d that the server takes, "+
			"by its proto-max-bulk-len", ErrTooLarge, size, l.longest)
	case l.refused > 0 && size >= l.refused:
		return fmt.Errorf("%w: a part of %d bytes was not sent, "+
			"as the server has closed the connection over one of %d, "+
			"which is likely to exceed its proto-max-bulk-len", ErrTooLarge, size, l.refused)
	}
	return nil
}

// askLimit asks a server what it takes. An answer is kept, whatever it says.
func (c *Client) askLimit(ctx context.Context, server *redis.Client) (l limit) {
	const name = "proto-max-bulk-len"
	var to Conn = c.rdb
	if server != nil {
		to = server
	}
	cmd := NewSmall(ctx, "config", "get", name)
	err := c.Process(ctx, to, cmd)
	if err != nil && !answered(err) && !IsConnectionLost(err) { // which a proxy may close over it
		return l
	}
	l.ends = time.Now().Add(limitLife)
	if said, err := cmd.reply.Flatten(nil); err == nil && len(said) == 2 && string(said[0]) == name {
		l.longest, _ = strconv.Atoi(string(said[1]))
	}
	return c.limits.put(server, l)
}

// recordSize notes whether a server has taken arguments the longest of which had size bytes, as
// the error of what was sent tells. It returns the error, as an ErrTooLarge if it is one.
func (c *Client) recordSize(
	ctx context.Context, server *redis.Client, size int, retry Retry, err error,
) error {
	losses := 0
	switch {
	case isTooLong(err):
		losses = enough
		if server != nil {
			closeIdle(ctx, server) // one is closed: to go-redis its last answer was like any other
		}
		err = fmt.Errorf("%w: over a part of %d bytes, as its proto-max-bulk-len is less, "+
			"the server has closed the connection: %w", ErrTooLarge, size, err)
	case err == nil || answered(err):
	case !IsConnectionLost(err):
		return err
	case retry == Retryable && ctx.Err() == nil: // it has been repeated, in vain
		losses = enough
	default:
		losses = 1
	}
	c.limits.record(server, size, losses)
	return err
}

// isTooLong reports whether a server has refused an argument for its length. It closes the
// connection then.
func isTooLong(err error) bool {
	return redis.HasErrorPrefix(err, "Protocol error: invalid bulk length")
}

// ExecCause returns the error of commands that were sent together: if one of them has made the
// server close the connection, that of this one.
func ExecCause[C redis.Cmder](err error, cmds []C) error {
	if err == nil {
		return nil
	}
	for _, cmd := range cmds {
		if isTooLong(cmd.Err()) {
			return cmd.Err()
		}
	}
	return err
}

func (l *limits) get(server *redis.Client) (limit, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.of[server]
	return known, ok && !l.isOver(known)
}

// isOver reports whether what is known is to be forgotten; the caller holds the lock.
func (l *limits) isOver(known limit) bool { return !l.kept && !time.Now().Before(known.ends) }

// put notes an answer of a server, unless another one has been noted meanwhile, and returns
// what is known now.
func (l *limits) put(server *redis.Client, said limit) limit {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other, known := range l.of {
		if l.isOver(known) {
			delete(l.of, other)
		}
	}
	if known, ok := l.of[server]; ok {
		return known
	}
	if l.of == nil {
		l.of = make(map[*redis.Client]limit)
	}
	l.of[server] = said
	return said
}

// record notes that an argument of so many bytes has arrived, or how many connections were lost
// over it.
func (l *limits) record(server *redis.Client, size, losses int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.of[server]
	switch {
	case !ok:
		return
	case losses == 0 && size < known.suspect:
		return
	case losses == 0:
		known.suspect, known.losses = 0, 0
	case known.longest > 0: // it may have been set anew: ask again
		delete(l.of, server)
		return
	default:
		known.suspect, known.losses = max(known.suspect, size), known.losses+losses
	}
	if known.losses >= enough {
		known.refused, known.suspect, known.losses = known.suspect, 0, 0
	}
	l.of[server] = known
}
