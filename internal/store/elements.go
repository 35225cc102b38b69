package store

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
)

//go:embed lua/mutate.lua
var mutateSource string

var mutate = client.NewScript(mutateSource, controlSource, neighboursSource).AnswersParts()

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
	ctx = s.Context(ctx, now)
	_, err := client.Run(ctx, s.Client, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.FitArguments(ctx, r.Key(), r.Largest(), r.Retry(), func() error {
			if r.write {
				return s.change(ctx, r)
			}
			return s.ask(ctx, r)
		})
	})
	return err
}

func (s *Store) change(ctx context.Context, r *Request) error {
	if r.staged() > 0 || s.Replicas() > 0 {
		errs, err := s.SendSteps(ctx, []client.Step{r}, false, s.Replicas())
		if err != nil {
			return err
		}
		return errs[0]
	}
	cmd, err := s.Eval(ctx, s.Redis(), mutate, client.NotRetryable, r.keys, r.args)
	if deadline, ok := ctx.Deadline(); ok && s.refusesControl(ctx, deadline, r.Key(), err) {
		return s.Limit()
	}
	return r.setAnswer(ctx, s.Client, cmd, err)
}

// ask asks twice at most, for the reasons of Store.read.
func (s *Store) ask(ctx context.Context, r *Request) error {
	answered, err := s.RawNow(ctx, &r.reply, r.args)
	switch {
	case errors.Is(err, ErrWrongType):
		return r.wrongType(ctx, s.Client)
	case err != nil:
		return err
	case answered:
		r.Parts, err = r.reply.Flatten(r.Parts[:0])
		return err
	}
	again := client.NewCommand(ctx, r.args...)
	return r.setAnswer(ctx, s.Client, again, s.Process(ctx, s.Redis(), again))
}

// setAnswer sets the parts of a request from the command that it was sent as.
func (r *Request) setAnswer(
	ctx context.Context, c *client.Client, cmd *client.Command, err error,
) error {
	switch {
	case client.IsWrongType(err):
		return r.wrongType(ctx, c)
	case client.RefusesScripts(err):
		return needsScript(client.Redact(err))
	case client.IsUnknownCommand(err):
		return ErrUnknownCommand
	case err != nil:
		return client.Redact(err)
	}
	r.Parts, err = cmd.Reply().Flatten(r.Parts[:0])
	return err
}

// wrongType finds out which of the keys holds another type than it should.
func (r *Request) wrongType(ctx context.Context, c *client.Client) error {
	for _, key := range r.Keys() {
		cmd := client.NewSmall(ctx, "type", key)
		if err := c.Process(ctx, c.Redis(), cmd); err != nil {
			return err
		}
		found, err := cmd.Text()
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
	ctx = s.Context(ctx, now)
	_, err := client.Run(ctx, s.Client, func(ctx context.Context) (struct{}, error) { return struct{}{}, r.wrongType(ctx, s.Client) })
	return err
}
