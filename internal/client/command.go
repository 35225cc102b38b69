package client

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/resp"
)

// A Command is what go-redis sends, and follows where a cluster has moved its key, but whose
// answer it does not decode: of an array it would allocate what that claims to have.
//
// go-redis also repeats a command as it repeats its own ones. One that it must not repeat is
// sent as its RawWriteToCmd.
type Command struct {
	*redis.RawWriteToCmd
	reply resp.Reply
	space [64]byte // of most answers
}

// An InlineCommand is a Command and its memory, for those that are allocated together.
type InlineCommand struct {
	Command
	raw  redis.RawWriteToCmd
	args [inlineArgs]any
}

// inlineArgs is how many arguments of a command need no memory of their own.
const inlineArgs = 12

// NewCommand returns a command whose answer may have any size.
func NewCommand(ctx context.Context, args ...any) *Command {
	cmd := new(InlineCommand)
	return cmd.init(ctx, &cmd.raw, append(cmd.args[:0], args...))
}

// NewSmall returns a command whose answer is a number, a status, or the like.
func NewSmall(ctx context.Context, args ...any) *Command {
	return new(InlineCommand).Small(ctx, args...)
}

// Small makes a zero InlineCommand one of NewSmall.
func (cmd *InlineCommand) Small(ctx context.Context, args ...any) *Command {
	cmd.reply.Limit(smallAnswer)
	return cmd.init(ctx, &cmd.raw, append(cmd.args[:0], args...))
}

// smallAnswer is more than the answer of a command, or of a script for one key, has in bytes
// that gives no part of a value.
const smallAnswer = 4 << 10

// NewBounded returns a command whose answer has n bytes at the most. A longer one is a
// resp.ErrBroken, and ends the connection, so that commands behind it fail.
func NewBounded(ctx context.Context, n int, args ...any) *Command {
	cmd := NewCommand(ctx, args...)
	cmd.reply.Limit(n)
	return cmd
}

// NewText returns a command whose answer is a text for people to read.
func NewText(ctx context.Context, args ...any) *Command {
	cmd := NewCommand(ctx, args...)
	cmd.reply.Limit(longText)
	cmd.reply.AcceptText()
	return cmd
}

// longText is more than any such text has in bytes that is asked for.
const longText = 64 << 10

func (cmd *Command) init(ctx context.Context, raw *redis.RawWriteToCmd, args []any) *Command {
	cmd.reply.Use(cmd.space[:])
	*raw = *redis.NewRawWriteToCmd(ctx, &cmd.reply, args...)
	cmd.RawWriteToCmd = raw
	return cmd
}

// NoRetry is what go-redis asks before it sends a command again, whose first answer may be
// there in part.
func (cmd *Command) NoRetry() bool {
	cmd.reply.Expect()
	return false
}

// reset makes a command ready to be sent again.
func (cmd *Command) reset() {
	cmd.reply.Reset()
	cmd.SetErr(nil)
}

// Reply returns the answer of a command without an error.
func (cmd *Command) Reply() *resp.Reply { return &cmd.reply }

// Decoded returns the answer, see [resp.Reply.Decode].
func (cmd *Command) Decoded() (any, error) {
	if err := cmd.Err(); err != nil {
		return nil, err
	}
	return cmd.reply.Decode()
}

// Int returns the number that is the answer.
func (cmd *Command) Int() (int64, error) {
	if err := cmd.Err(); err != nil {
		return 0, err
	}
	return cmd.reply.Int()
}

// Text returns the string that is the answer, empty for none.
func (cmd *Command) Text() (string, error) {
	if err := cmd.Err(); err != nil {
		return "", err
	}
	text, _, err := cmd.reply.Text()
	return string(text), err
}
