package store

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

// Read asks for a value by one plain command and lends it to e.Wire. It knows
// nothing of control keys: not found may also mean absent or empty. The time now
// is when the wait for the answer begins.
func (s *Store) Read(ctx context.Context, key string, e *Entry, now time.Time) (found bool, err error) {
	e.Wire.Reset(key)
	e.key = key
	answered, err := s.askRaw(ctx, key, e, s.readRaw(ctx, e), now)
	switch {
	case err != nil:
		return false, err
	case answered:
		return e.reply.ParseValue(&e.Wire, s.shape)
	}
	return run(s.patience.context(ctx, now), s, func(ctx context.Context) (bool, error) {
		again := s.readCmd(ctx, key)
		return again.value(&e.Wire, s.shape, process(ctx, s.rdb, again))
	})
}

// readRaw is the command that has the whole value of e.key put into e.reply.
func (s *Store) readRaw(ctx context.Context, e *Entry) *redis.RawWriteToCmd {
	if !s.cloned { // hooks expect the key as a string, and may keep the command
		return redis.NewRawWriteToCmd(ctx, &e.reply, s.readArgs(nil, e.key)...)
	}
	if e.command == nil {
		e.command = redis.NewRawWriteToCmd(context.Background(), &e.reply, s.readArgs(nil, &e.key)...)
	}
	return e.command
}

// askRaw has the answer to a command put into e.reply. It reports false when the command is to
// be sent once more, as one that go-redis repeats: this one it does not, so that the caller may
// leave it behind.
func (s *Store) askRaw(ctx context.Context, key string, e *Entry, cmd *redis.RawWriteToCmd, now time.Time) (answered bool, err error) {
	e.reply.Reset()
	err = s.send(ctx, key, cmd, now)
	switch {
	case isWrongType(err):
		return false, ErrWrongType
	case mayRepeat(err):
		return false, nil
	}
	return err == nil, err
}

// isAnswer reports whether an error is what Redis has answered with.
func isAnswer(err error) bool {
	if err == nil {
		return false
	}
	var answer resp.AnswerError
	return errors.As(err, &answer)
}

// mayRepeat reports whether a read is sent once more: Redis may soon give a better answer than
// an error, or its connection was lost.
func mayRepeat(err error) bool {
	return connectionLost(err) || isAnswer(err)
}

// send sends one read, by itself or along with others, and returns its error. Where it
// was not answered it may still be in use.
func (s *Store) send(ctx context.Context, key string, cmd redis.Cmder, now time.Time) (err error) {
	defer s.leave()
	switch {
	case s.enter():
		err = s.share(ctx, now, queuedCommand{cmd: cmd})
	case s.synchronous:
		ctx = s.patience.context(ctx, now)
		if err = ctx.Err(); err != nil {
			return err
		}
		err = process(ctx, s.rdb, cmd)
	default:
		ctx = s.patience.context(ctx, now)
		if err = ctx.Err(); err != nil {
			return err
		}
		master := s.masters.of(ctx, key)
		if master == nil {
			_, err = run(ctx, s, func(ctx context.Context) (struct{}, error) { return struct{}{}, process(ctx, s.rdb, cmd) })
			if err == nil || isAnswer(err) {
				s.masters.known.Store(true)
			}
			return err
		}
		err = s.masters.ask(ctx, master, cmd)
	}
	s.sawLoss(err)
	return err
}

// connectionLost reports whether a command may be sent again on another
// connection: not when none could be made, nor when time has run out.
func connectionLost(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, errUnsettled) || strings.HasSuffix(err.Error(), retired) {
		return true
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Op != "dial" && !op.Timeout()
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// refused returns the error of a pipeline that none of its commands tells of, such
// as that of a hook which has not let it pass.
func refused(cmds []redis.Cmder, err error) error {
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return nil
		}
	}
	return err
}
