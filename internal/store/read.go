package store

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// What a control key holds, if it is not a lease.
const (
	markAbsent = "N"
	markEmpty  = "E"
)

// cutLease takes apart what a control key holds: a lease is an L and its token, and may
// carry a mark, or a T and what touch.lua notes.
func cutLease(noted string) (mark string, leased bool) {
	const size = 1 + tokenSize
	if len(noted) < size || noted[0] != 'L' {
		return noted, false
	}
	if mark = noted[size:]; len(mark) > 1 && mark[0] != 'T' {
		return noted, false
	}
	return mark, true
}

// Read asks for a value by one plain command and lends it to e.Wire. It knows
// nothing of control keys: not found may also mean absent or empty. The time now
// is when the wait for the answer begins.
func (s *Store) Read(ctx context.Context, key string, e *Entry, now time.Time) (found bool, err error) {
	e.Wire.Reset(key)
	e.key = key
	ctx = s.patience.context(ctx, now)
	if s.direct {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		found, err := s.read(ctx, e)
		s.sawLoss(err)
		return found, err
	}
	return run(ctx, s, func(ctx context.Context) (bool, error) { return s.read(ctx, e) })
}

// read asks twice at most. The first time the answer is taken as raw bytes, for
// speed; go-redis can neither repeat such a command nor act on an error in it, so
// what is unusual is asked again in its own words.
func (s *Store) read(ctx context.Context, e *Entry) (bool, error) {
	var key any = &e.key // go-redis takes an address without an allocation
	if !s.own {
		key = e.key // hooks expect a string
	}
	if answered, err := s.askRaw(ctx, e, s.readArgs(e.args[:0], key)); err != nil {
		return false, err
	} else if answered {
		return e.reply.lend(&e.Wire, s.shape)
	}
	again := s.readCmd(ctx, e.key)
	return s.take(&e.Wire, again, process(ctx, s.rdb, again))
}

// askRaw has the answer to a command put into e.reply. It reports false when there is
// none to be had in this way.
func (s *Store) askRaw(ctx context.Context, e *Entry, args []any) (answered bool, err error) {
	e.reply.reset()
	err = process(ctx, s.rdb, redis.NewRawWriteToCmd(ctx, &e.reply, args...))
	switch {
	case err == nil && e.reply.isWrongType():
		return false, ErrWrongType
	case err == nil:
		return !e.reply.isError(), nil
	case !connectionLost(err):
		return false, err
	}
	return false, nil
}

// take gives w the value that cmd obtained.
func (s *Store) take(w *codec.Wire, cmd *redis.Cmd, err error) (bool, error) {
	switch {
	case errors.Is(err, redis.Nil):
		return false, nil
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return false, ErrWrongType
	case err != nil:
		return false, err
	}
	return give(w, s.shape, cmd.Val())
}

// connectionLost reports whether a command may be sent again on another
// connection: not when none could be made, nor when time has run out.
func connectionLost(err error) bool {
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
