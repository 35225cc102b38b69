package client

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// processOn sends one command, whatever is known of the server. It says what step there is
// between the command's keys, since a cluster client otherwise asks Redis, in a lock that all
// wait for and that no deadline ends.
func processOn(ctx context.Context, to Conn, cmd redis.Cmder) error {
	cmd.SetStepCount(1)
	return to.Process(ctx, cmd)
}

// pipelineOn is processOn for commands as one pipeline.
func pipelineOn(ctx context.Context, to Conn, cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		cmd.SetStepCount(1) // as in processOn
	}
	p := to.Pipeline()
	_ = p.BatchProcess(ctx, cmds...)
	_, err := p.Exec(ctx)
	return err
}

// Cmders are commands as Pipeline takes them.
func Cmders(cmds []*Command) []redis.Cmder {
	all := make([]redis.Cmder, len(cmds))
	for i, cmd := range cmds {
		all[i] = cmd
	}
	return all
}

// ProcessWrite is Process for a command that writes, see repeat.
func (c *Client) ProcessWrite(ctx context.Context, to Conn, retry Retry, cmd *Command) error {
	if repeatsItself(to, retry) {
		return c.Process(ctx, to, cmd)
	}
	return c.repeat(ctx, to, retry, func() error { return c.Process(ctx, to, cmd.RawWriteToCmd) })
}

// PipelineWrites is Pipeline for commands that write, among which may be some that read, see
// repeat.
func (c *Client) PipelineWrites(
	ctx context.Context, to Conn, retry Retry, cmds []redis.Cmder) (err error,
) {
	if repeatsItself(to, retry) {
		return c.Pipeline(ctx, to, cmds)
	}
	sent, cloned := cmds, false
	for i, cmd := range cmds {
		if cmd, ok := cmd.(*Command); ok {
			if !cloned {
				sent, cloned = slices.Clone(cmds), true
			}
			sent[i] = cmd.RawWriteToCmd // which go-redis does not repeat
		}
	}
	_ = c.repeat(ctx, to, retry, func() error {
		for _, cmd := range cmds {
			if cmd, ok := cmd.(*Command); ok {
				cmd.reset()
			}
		}
		err = c.Pipeline(ctx, to, sent)
		refusal := readOnlyError(cmds)
		if refusal != nil && retry == NotRetryable && slices.ContainsFunc(cmds, wasCarriedOut) {
			c.closeConns(ctx)
			return nil // it is not to be repeated
		}
		return cmp.Or(refusal, err)
	})
	return err
}

// repeatsItself reports whether go-redis is left to repeat writes, as for a cluster, where it
// finds the new master.
func repeatsItself(to Conn, retry Retry) bool {
	_, cluster := to.(*redis.ClusterClient)
	return cluster && retry == Retryable
}

// wasCarriedOut reports whether a server has carried out a command, as far as is known: it
// did not refuse to write, nor lack the script. Reads count as well.
func wasCarriedOut(cmd redis.Cmder) bool {
	return !IsReadOnly(cmd.Err()) && !isUnknownScript(cmd.Err())
}

// isHeld reports whether what is sent goes over one connection, which cannot be repeated
// on another.
func isHeld(to Conn) bool {
	switch to.(type) {
	case *redis.Conn, *redis.Tx:
		return true
	}
	return false
}

// repeat calls send, which sends what writes and returns the error that tells whether to
// send it again.
//
// A client of one server is not left to do so: it would say nothing of a server that must
// not write any more, whose other connections have to go as well. What such a server has
// refused is sent again; what may be repeated is also when its connection was lost, and once
// more when that was in vain, not over one of the connections that there are, which then are
// likely to be dead too.
func (c *Client) repeat(ctx context.Context, to Conn, retry Retry, send func() error) error {
	for try := 0; ; try++ {
		if err := send(); isHeld(to) || !c.again(ctx, retry, try, err) {
			return err
		}
	}
}

// again reports whether to repeat what has failed after so many repetitions, and sees to it
// that it does not go over a connection that is of no use. Where a server must not write,
// nothing of it has been carried out.
func (c *Client) again(ctx context.Context, retry Retry, tries int, err error) bool {
	switch {
	case err == nil:
		return false
	case IsReadOnly(err):
		c.closeConns(ctx)
		return tries == 0 && ctx.Err() == nil
	case retry == NotRetryable || !IsConnectionLost(err):
		return false
	}
	c.CloseDead(ctx, tries, err)
	return tries < 2 && ctx.Err() == nil
}

// CloseDead closes the connections when one was lost that served for a repetition.
func (c *Client) CloseDead(ctx context.Context, tries int, err error) {
	if tries > 0 && IsConnectionLost(err) {
		c.closeConns(ctx)
	}
}

// IsReadOnly reports whether a server refused a command since it must not write, as one
// that was a master, or is cut off from its replicas' majority. Some proxies begin with ERR;
// an EXEC whose commands were queued before says what it was discarded for.
func IsReadOnly(err error) bool {
	if err == nil {
		return false
	}
	text := strings.TrimPrefix(err.Error(), "EXECABORT Transaction discarded because of: ")
	return redis.HasErrorPrefix(err, "READONLY") ||
		strings.HasPrefix(strings.TrimPrefix(text, "ERR "), "READONLY")
}

// readOnlyError returns the first error of commands that a server must not carry out.
func readOnlyError(cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		if err := cmd.Err(); IsReadOnly(err) {
			return err
		}
	}
	return nil
}

// Retry says whether a command may be sent again whose answer is lost.
type Retry bool

const (
	NotRetryable Retry = false
	Retryable    Retry = true
)

// mayResend reports whether a command that shared a pipeline, and failed there, may be sent
// again by itself. Nothing has been carried out by a server that does not know the script,
// or may not write; and what is done by a script there may be done without one.
func (retry Retry) mayResend(err error) bool {
	switch {
	case err == nil:
		return false
	case isUnknownScript(err), IsReadOnly(err):
		return true
	case retry == NotRetryable:
		return false
	}
	return IsConnectionLost(err) || IsForbidden(err) ||
		slices.ContainsFunc(passing, func(prefix string) bool {
			return redis.HasErrorPrefix(err, prefix)
		})
}

// IsForbidden reports whether the client may not use a command, or there is none of that
// name.
func IsForbidden(err error) bool {
	if err == nil {
		return false
	}
	return redis.HasErrorPrefix(err, "NOPERM") || IsUnknownCommand(err)
}

// passing are the answers of a server that may soon give better ones.
var passing = []string{"LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"}
