package client

import (
	"errors"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/resp"
)

// ErrWrongType is the error of a read of a key that holds another Redis type than is wanted.
var ErrWrongType = errors.New("the key holds another Redis type")

// IsBroken reports whether Redis answered with something that is not what was asked for.
func IsBroken(err error) bool {
	return errors.Is(err, ErrWrongType) || errors.Is(err, resp.ErrBroken)
}

// ErrTooLarge is in the errors of values with a part that a server does not take for its
// size: more than 512 MB, or than the server's proto-max-bulk-len. Such a part is not sent
// if that is known, see limit.
var ErrTooLarge = errors.New("the value is too large for Redis")

// IsTooLarge reports whether a value was not sent, or was refused, for its size.
func IsTooLarge(err error) bool { return errors.Is(err, ErrTooLarge) }

// IsOutOfMemory reports whether a server refused a command because its memory is full and
// it may not evict, whether the command came by itself or from a script.
func IsOutOfMemory(err error) bool {
	return err != nil && strings.Contains(err.Error(), "OOM command not allowed")
}

// IsNoPermission reports whether an ACL refused a command or a key, to the client or to a
// script of it.
func IsNoPermission(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return redis.HasErrorPrefix(err, "NOPERM") || strings.HasPrefix(text, "NOPERM") ||
		strings.Contains(text, "ACL failure in script") ||
		strings.Contains(text, "can't run this command or subcommand") // of a script, Redis 6
}

// IsNoScripts reports whether a server runs no scripts: it has no such commands, or no
// engine for them, or forgets at once what it was told to keep.
func IsNoScripts(err error) bool {
	switch {
	case err == nil:
		return false
	case isUnknownScript(err):
		return true
	case IsUnknownCommand(err):
		text := strings.ToLower(err.Error())
		return strings.Contains(text, "eval") || strings.Contains(text, "script")
	}
	return strings.Contains(err.Error(), "scripting engine")
}

// IsUnknownCommand knows what Redis says by itself, and what from within a script.
func IsUnknownCommand(err error) bool {
	if err == nil {
		return false
	}
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "unknown command") || strings.Contains(text, "unknown redis command")
}

// IsRefused reports whether a command was certainly not carried out: Redis has said
// so, or it was not sent.
func IsRefused(err error) bool {
	var answer redis.Error
	op := (*net.OpError)(nil)
	return errors.As(err, &answer) || errors.As(err, &op) && op.Op == "dial" ||
		errors.Is(err, ErrUnanswered) || errors.Is(err, ErrClosed) || IsOpen(err)
}
