package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/resp"
)

// transact carries out commands of one server in one step, or none of them. It returns the
// error of the whole; otherwise each command has its answer.
func (c *Client) transact(ctx context.Context, to Conn, retry Retry, cmds []*Command) error {
	err := c.repeat(ctx, to, retry, func() error {
		for _, cmd := range cmds {
			cmd.reset()
		}
		return c.tryTransact(ctx, to, cmds)
	})
	return Redact(err)
}

// tryTransact is transact without Retry. MULTI and EXEC are ordinary commands of a pipeline here,
// all answers of which are read. go-redis's own transaction leaves the rest unread when MULTI is
// refused, or when an answer within EXEC's is an error of some kinds, and the next command on
// that connection is then given the answer of another.
//
// A connection is held for it, as one on which MULTI was accepted and EXEC was not must not be
// used again.
func (c *Client) tryTransact(ctx context.Context, to Conn, cmds []*Command) error {
	if server, ok := to.(*redis.Client); ok {
		conn := connOf(server)
		defer conn.Close()
		to = conn
	}
	if !c.transacts.Load() {
		if err := c.askForTransactions(ctx, to); err != nil {
			return err
		}
	}
	multi, carryOut := NewSmall(ctx, "multi"), NewCommand(ctx, "exec")
	all := make([]redis.Cmder, 0, len(cmds)+2)
	for _, cmd := range slices.Concat([]*Command{multi}, cmds, []*Command{carryOut}) {
		all = append(all, cmd.RawWriteToCmd) // which go-redis does not repeat
	}
	err := c.Pipeline(ctx, to, all)
	switch {
	case PipelineError(all, err) != nil: // a hook has not let them pass
		return err
	case answered(multi.Err()):
		c.transacts.Store(false)
		return fmt.Errorf("the commands were carried out one at a time, "+
			"as Redis refused MULTI: %v", multi.Err())
	case isAnswer(carryOut.Err()):
		if !redis.HasErrorPrefix(carryOut.Err(), "EXECABORT") {
			breakOff(ctx, to)
		}
		return cmp.Or(firstError(cmds), carryOut.Err()) // none was carried out
	case carryOut.Err() != nil:
		return ExecCause(carryOut.Err(), all)
	}
	if err := setAnswers(cmds, &carryOut.reply); err != nil {
		return err
	}
	return readOnlyError(Cmders(cmds)) // a script is refused when it is carried out, and then all are
}

// onMaster calls do with what sends commands to the server of key: to itself, unless that is
// a client which leads to several. It calls do again when the server has changed, as far as
// do's error tells.
func (c *Client) onMaster(
	ctx context.Context, to Conn, key string, do func(context.Context, Conn) error,
) error {
	switch to.(type) {
	case *redis.Client, *redis.Conn:
		return do(ctx, to)
	case *redis.ClusterClient:
		return c.followMoves(ctx, func() error {
			master, err := c.master(ctx, key)
			if err != nil {
				return err
			}
			return do(ctx, master)
		})
	}
	// Of any other client only Watch leads to one server. Nobody writes what it watches.
	watched := rediskey.ScratchKey(c.prefix, key)
	return c.rdb.Watch(ctx, func(tx *redis.Tx) error { return do(ctx, tx) }, watched)
}

// askForTransactions returns an error if the client may not use MULTI, which would not keep
// the commands behind it from being carried out. What was permitted once is not asked again.
func (c *Client) askForTransactions(ctx context.Context, to Conn) error {
	cmds := Cmders([]*Command{NewSmall(ctx, "multi"), NewCommand(ctx, "exec")})
	err := c.Pipeline(ctx, to, cmds)
	err = cmp.Or(cmds[0].Err(), cmds[1].Err(), err)
	if err != nil {
		breakOff(ctx, to)
	}
	c.transacts.Store(err == nil)
	return err
}

// answered reports whether an error is an answer of Redis.
func answered(err error) bool {
	var answer redis.Error
	return errors.As(err, &answer)
}

// firstError returns the error of the first command that has one.
func firstError(cmds []*Command) error {
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil {
			return err
		}
	}
	return nil
}

// setAnswers gives commands that were queued their part of the answer to EXEC.
func setAnswers(cmds []*Command, exec *resp.Reply) error {
	answers, err := exec.Elements(len(cmds))
	if err != nil {
		return err
	}
	for i, cmd := range cmds {
		cmd.reply = answers[i]
		cmd.SetErr(answers[i].Err())
	}
	return nil
}
