package client

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/resp"
)

// Raw has the answer to a read of a key put into answer, which the command writes to. The time
// now is when the wait for it begins.
//
// It reports false when the command is to be sent once more, as a [Command], which go-redis
// repeats: this one it does not, so that a caller may leave it behind. WRONGTYPE is an
// ErrWrongType.
func (c *Client) Raw(
	ctx context.Context, key string, cmd *redis.RawWriteToCmd, answer *resp.Reply, now time.Time,
) (answered bool, err error) {
	answer.Reset()
	return isAnswered(c.read(ctx, key, rawRead{last: cmd}, now))
}

// RawAfter is Raw for a read that follows another one of the key, in the same round trip. Where
// it reports true both are answered.
func (c *Client) RawAfter(
	ctx context.Context, key string, first, cmd *redis.RawWriteToCmd, answer *resp.Reply, now time.Time,
) (answered bool, err error) {
	answer.Reset()
	return isAnswered(c.read(ctx, key, rawRead{first, cmd}, now))
}

// A rawRead is one command that reads, or two that are sent together.
type rawRead struct {
	first *redis.RawWriteToCmd // nil: none
	last  *redis.RawWriteToCmd
}

// sendRead sends the commands of a read, whose wait began at now, and returns the first error.
func (c *Client) sendRead(ctx context.Context, to Conn, r rawRead, now time.Time) error {
	if r.first == nil {
		return c.process(ctx, to, r.last, now)
	}
	return c.Pipeline(ctx, to, []redis.Cmder{r.first, r.last})
}

// RawNow is Raw for a command that is sent by itself, at once.
func (c *Client) RawNow(
	ctx context.Context, answer *resp.Reply, args []any) (answered bool, err error,
) {
	answer.Reset()
	return isAnswered(c.Process(ctx, c.rdb, redis.NewRawWriteToCmd(ctx, answer, args...)))
}

// isAnswered reports whether a read that has ended with err has its answer.
func isAnswered(err error) (answered bool, _ error) {
	switch {
	case IsOpen(err):
		return false, err
	case IsWrongType(err):
		return false, ErrWrongType
	case MayRepeat(err):
		return false, nil
	}
	return err == nil, err
}

// MayRepeat reports whether a read is to be sent once more: Redis may soon give a better answer
// than an error, or its connection was lost.
func MayRepeat(err error) bool { return IsConnectionLost(err) || isAnswer(err) }

// isAnswer reports whether an error is what Redis has answered with.
func isAnswer(err error) bool {
	if err == nil {
		return false
	}
	var answer resp.AnswerError
	return errors.As(err, &answer)
}

// IsWrongType reports whether a command has met a key of another type.
func IsWrongType(err error) bool { return err != nil && redis.HasErrorPrefix(err, "WRONGTYPE") }

// read sends one read, by itself or along with others, and returns its error. Where it
// was not answered it may still be in use.
func (c *Client) read(ctx context.Context, key string, r rawRead, now time.Time) (err error) {
	defer c.leave()
	switch {
	case !c.enter():
		return c.readAlone(ctx, key, r, now)
	case r.first == nil:
		err = c.shareSince(ctx, now, queuedCommand{cmd: r.last})
	default:
		err = c.shareSince(ctx, now, queuedCommand{cmd: r.first}, queuedCommand{cmd: r.last})
	}
	c.RecordLoss(err)
	return err
}

func (c *Client) readAlone(ctx context.Context, key string, r rawRead, now time.Time) (err error) {
	ctx = c.timeouts.context(ctx, now)
	if err = ctx.Err(); err != nil {
		return err
	}
	if c.synchronous {
		err = c.sendRead(ctx, c.rdb, r, now)
		c.RecordLoss(err)
		return err
	}
	if master := c.masters.of(ctx, key); master != nil {
		err = unsettled(ctx, c.sendRead(ctx, master, r, now))
		c.RecordLoss(err)
		return err
	}
	_, err = Run(ctx, c, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.sendRead(ctx, c.rdb, r, now)
	})
	if err == nil || isAnswer(err) {
		c.masters.known.Store(true)
	}
	return err
}

// ReadReply sends a read that is made by NewCommand of args, along with others or by itself, and
// returns the answer. A command is made for each attempt.
func (c *Client) ReadReply(ctx context.Context, args ...any) (answer *resp.Reply, err error) {
	var cmd *Command
	err = c.dispatch(Retryable, func() error {
		cmd = NewCommand(ctx, args...)
		return c.share(ctx, queuedCommand{cmd: cmd.RawWriteToCmd})
	}, func() (err error) {
		cmd, err = Run(ctx, c, func(ctx context.Context) (*Command, error) {
			cmd := NewCommand(ctx, args...)
			return cmd, c.Process(ctx, c.rdb, cmd)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &cmd.reply, nil
}

// ReadStrings returns the strings that a command answers with, one for each of its
// arguments but the first, nil for none. They alias the answer.
func (c *Client) ReadStrings(
	ctx context.Context, args []any) (answer *resp.Reply, all [][]byte, err error,
) {
	n := len(args) - 1
	cmd := NewCommand(ctx, args...)
	cmd.reply.Reserve(min(int(float64(n)*c.values.bytes()*1.25), maxGrown))
	err = c.Process(ctx, c.rdb, cmd.RawWriteToCmd)
	if MayRepeat(err) {
		cmd.reset()
		err = c.Process(ctx, c.rdb, cmd)
	}
	if err != nil {
		return nil, nil, err
	}
	c.values.add(float64(cmd.reply.Len())/float64(n), 1./8)
	all, err = cmd.reply.Strings(n)
	return &cmd.reply, all, err
}

// maxGrown is how much memory is made ready for an answer, in bytes.
const maxGrown = 64 << 10

// IsConnectionLost reports whether a command may be sent again on another
// connection: not when none could be made, nor when time has run out.
func IsConnectionLost(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, errUnsettled) || strings.HasSuffix(err.Error(), retired) {
		return true
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Op != "dial" && !op.Timeout()
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// PipelineError returns the error of a pipeline that none of its commands tells of, such
// as that of a hook which has not let it pass.
func PipelineError(cmds []redis.Cmder, err error) error {
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return nil
		}
	}
	return err
}
