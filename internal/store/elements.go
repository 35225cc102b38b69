package store

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
)

//go:embed mutate.lua
var mutateSource string

var mutate = func() *script {
	sc := newScript(mutateSource, controlSource)
	sc.answersParts = true
	return sc
}()

// ErrUnknownCommand is the error of a request for which the server is too old.
var ErrUnknownCommand = errors.New("the server does not know the command")

// A WrongTypeError is an ErrWrongType that tells which types were wanted and found.
type WrongTypeError struct {
	Key   string
	Want  codec.Shape
	Found string // as Redis's TYPE prints it
}

func (e *WrongTypeError) Error() string {
	return fmt.Sprintf("%q holds a %s, and a %v is wanted", e.Key, e.Found, e.Want)
}

// Unwrap returns ErrWrongType.
func (e *WrongTypeError) Unwrap() error { return ErrWrongType }

// Do sends a request and waits for its answer. One round trip. A write is never
// carried out twice: when the connection breaks before the answer, the error leaves open
// whether it was carried out. The time now is when the wait begins.
func (s *Store) Do(ctx context.Context, r *Request, now time.Time) error {
	ctx = s.patience.context(ctx, now)
	_, err := run(ctx, s, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.fit(ctx, r.Key(), r.largest(), r.repeats(), func() error {
			if r.write {
				return s.change(ctx, r)
			}
			return s.ask(ctx, r)
		})
	})
	return err
}

func (s *Store) change(ctx context.Context, r *Request) error {
	if r.staged() > 0 || s.replicas > 0 {
		errs, err := s.doSteps(ctx, []Step{r}, false, s.replicas)
		if err != nil {
			return err
		}
		return errs[0]
	}
	cmd, err := s.eval(ctx, s.rdb, mutate, once, r.scriptKeys(), r.args)
	return s.answered(ctx, r, cmd, err)
}

// ask asks twice at most, for the reasons of Store.read.
func (s *Store) ask(ctx context.Context, r *Request) error {
	r.reply.Reset()
	err := process(ctx, s.rdb, redis.NewRawWriteToCmd(ctx, &r.reply, r.args...))
	switch {
	case isWrongType(err):
		return s.wrongType(ctx, r)
	case err == nil:
		r.Parts, err = r.reply.Flatten(r.Parts[:0])
		return err
	case !mayRepeat(err):
		return err
	}
	again := newCommand(ctx, r.args...)
	return s.answered(ctx, r, again, process(ctx, s.rdb, again))
}

// answered sets the parts of a request from the command that it was sent as.
func (s *Store) answered(ctx context.Context, r *Request, cmd *command, err error) error {
	switch {
	case isWrongType(err):
		return s.wrongType(ctx, r)
	case isUnknownCommand(err):
		return ErrUnknownCommand
	case err != nil:
		return withoutValue(err)
	}
	r.Parts, err = cmd.reply.Flatten(r.Parts[:0])
	return err
}

// wrongType finds out which of the keys holds another type than it should.
func (s *Store) wrongType(ctx context.Context, r *Request) error {
	for _, key := range r.names {
		if strings.HasPrefix(key, rediskey.ControlPrefix) {
			continue
		}
		cmd := newSmall(ctx, "type", key)
		if err := process(ctx, s.rdb, cmd); err != nil {
			return err
		}
		found, err := cmd.text()
		if err != nil {
			return err
		}
		if found != r.shape.String() && found != "none" {
			return &WrongTypeError{key, r.shape, found}
		}
	}
	return ErrWrongType // it has been replaced meanwhile
}

// WrongType is the error of a key that has turned out to hold another type.
func (s *Store) WrongType(ctx context.Context, now time.Time, key string) error {
	r := &Request{shape: s.shape, names: []string{key}}
	ctx = s.patience.context(ctx, now)
	_, err := run(ctx, s, func(ctx context.Context) (struct{}, error) { return struct{}{}, s.wrongType(ctx, r) })
	return err
}

// isUnknownCommand knows what Redis says by itself, and what from within a script.
func isUnknownCommand(err error) bool {
	if err == nil {
		return false
	}
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "unknown command") || strings.Contains(text, "unknown redis command")
}
