package store

import (
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

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
	case isUnknownCommand(err):
		text := strings.ToLower(err.Error())
		return strings.Contains(text, "eval") || strings.Contains(text, "script")
	}
	return strings.Contains(err.Error(), "scripting engine")
}
