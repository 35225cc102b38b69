package store

import (
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// reason returns why a transaction failed: if Redis has refused a command of it,
// the error of EXEC only says that there was one.
func reason(cmds []redis.Cmder, err error) error {
	const aborted = "EXECABORT"
	if redis.HasErrorPrefix(err, aborted) {
		for _, cmd := range cmds {
			if cause := cmd.Err(); cause != nil && !redis.HasErrorPrefix(cause, aborted) {
				return cause
			}
		}
	}
	return err
}

// withoutValue cuts off what Redis repeats of a command that it does not know, as
// the value is part of that.
func withoutValue(err error) error {
	if err == nil {
		return nil
	}
	if text, _, repeats := strings.Cut(err.Error(), ", with args beginning with"); repeats {
		return errors.New(text)
	}
	return err
}
