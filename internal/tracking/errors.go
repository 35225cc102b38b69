package tracking

import (
	"errors"
	"fmt"
	"strings"
)

// ErrCannotTrack is the cause when a server, or what stands in front of it, has no CLIENT
// TRACKING, or does not permit it: it will say so again.
var ErrCannotTrack = errors.New("the server cannot tell of writes (CLIENT TRACKING over RESP3)")

var (
	errUnconnected = errors.New("not connected yet")
	errClosed      = errors.New("the subscription is closed")
	errNoPong      = errors.New("the server has not answered a PING in time")
	errBroken      = errors.New("redis sent what is no answer and no invalidation")
	errNotMaster   = errors.New("the server is no master any more")
	errReplicas    = errors.New("replicas answer the reads of this cluster client, which hear of " +
		"writes later than the masters: leave ReadOnly, RouteByLatency and RouteRandomly off")
	errOwnSlots = errors.New("the servers of this cluster client are not asked for their slots: " +
		"NewFailoverClient makes a client without ClusterSlots")
	errMoved = errors.New("another server is the master now")
)

// An answerError is an error that Redis has answered with.
type answerError string

func (e answerError) Error() string { return string(e) }

// RedisError makes it a redis.Error.
func (answerError) RedisError() {}

// cannotTrack returns what an error in answer to HELLO or CLIENT TRACKING means: that of a
// server without these commands does not pass.
func cannotTrack(err error) error {
	var answer answerError
	if !errors.As(err, &answer) {
		return err
	}
	code, text, _ := strings.Cut(string(answer), " ")
	switch {
	case code == "NOPERM", code == "NOPROTO",
		code == "ERR" && !strings.Contains(text, "max number of clients"):
		return fmt.Errorf("%w: %w", ErrCannotTrack, err)
	}
	return err
}
