package store

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/resp"
)

// A command is what go-redis sends, and follows where a cluster has moved its key, but whose
// answer it does not decode: of an array it would allocate what that claims to have.
//
// go-redis also repeats a command as it repeats its own ones. One that it must not repeat is
// sent as its RawWriteToCmd.
type command struct {
	*redis.RawWriteToCmd
	reply resp.Reply

	args  [inlineArgs]any
	space [64]byte // of most answers
}

// inlineArgs is how many arguments of a command need no memory of their own.
const inlineArgs = 12

// newCommand returns a command whose answer may have any size.
func newCommand(ctx context.Context, args ...any) *command {
	c := new(command)
	return c.init(ctx, append(c.args[:0], args...))
}

// newSmall returns a command whose answer is a number, a status, or the like.
func newSmall(ctx context.Context, args ...any) *command {
	c := newCommand(ctx, args...)
	c.reply.Limit(smallAnswer)
	return c
}

// smallAnswer is more than the answer of a command, or of a script for one key, has in bytes
// that gives no part of a value.
const smallAnswer = 4 << 10

func (c *command) init(ctx context.Context, args []any) *command {
	c.reply.Use(c.space[:])
	c.RawWriteToCmd = redis.NewRawWriteToCmd(ctx, &c.reply, args...)
	return c
}

// NoRetry is what go-redis asks before it sends a command again, whose first answer may be
// there in part.
func (c *command) NoRetry() bool {
	c.reply.Expect()
	return false
}

// reset makes a command ready to be sent again.
func (c *command) reset() {
	c.reply.Reset()
	c.SetErr(nil)
}

// decoded returns the answer, see resp.Reply.Decode.
func (c *command) decoded() (any, error) {
	if err := c.Err(); err != nil {
		return nil, err
	}
	return c.reply.Decode()
}

// int returns the number that is the answer.
func (c *command) int() (int64, error) {
	if err := c.Err(); err != nil {
		return 0, err
	}
	return c.reply.Int()
}

// text returns the string that is the answer, empty for none.
func (c *command) text() (string, error) {
	if err := c.Err(); err != nil {
		return "", err
	}
	text, _, err := c.reply.Text()
	return string(text), err
}

// value adds the value of a shape that is the answer to w, unless sending the command gave an
// error. It reports false when there is none.
func (c *command) value(w *codec.Wire, shape codec.Shape, err error) (found bool, _ error) {
	switch {
	case isWrongType(err):
		return false, ErrWrongType
	case err != nil:
		return false, err
	}
	return c.reply.ParseValue(w, shape)
}
