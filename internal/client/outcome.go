package client

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// An outcome is what the end of a round trip says of a server.
type outcome uint8

const (
	unasked outcome = iota // it was not asked, or somebody else has ended the command
	serves                 // it has answered, be it with an error that concerns the command
	silent                 // it has not answered until its caller left
	broken                 // the connection was lost, or what came over it is no answer
	fails                  // it is not there, or serves nobody
)

// outcomeOf returns the outcome of a round trip that has ended with an error, or nil.
func outcomeOf(err error) outcome {
	var none *unreachableError
	switch {
	case err == nil:
		return serves
	case answered(err):
		if slices.ContainsFunc(refusals, func(prefix string) bool {
			return redis.HasErrorPrefix(err, prefix)
		}) {
			return fails
		}
		return serves
	case strings.HasPrefix(err.Error(), badConn):
		return unasked
	case errors.As(err, &none), isDial(err) && !isTimeout(err):
		return fails
	case isTimeout(err), errors.Is(err, context.Canceled):
		return silent
	case IsOpen(err), slices.ContainsFunc(local, func(target error) bool {
		return errors.Is(err, target)
	}):
		return unasked
	}
	return broken
}

// refusals begin the answers of a server that serves nobody, whatever is asked. One that is
// full (OOM), or must not write (READONLY, MISCONF, NOREPLICAS), serves those that read.
var refusals = []string{
	"LOADING", "MASTERDOWN", "CLUSTERDOWN The cluster is down", "BUSY ",
	"NOAUTH", "WRONGPASS", "DENIED", "max number of clients reached",
}

// badConn begins the errors of commands on one connection that was lost before.
const badConn = "redis: Conn is in a bad state"

// local are errors that no server has to do with.
var local = []error{
	ErrClosed, ErrUnanswered, errNoAnswer, errUnsendable,
	redis.ErrClosed, redis.ErrPoolTimeout, redis.ErrPoolExhausted,
}
