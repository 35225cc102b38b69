package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
)

// Where Redis runs no scripts for the client, or refuses its control keys, there are no leases,
// and what a store can do by plain commands it does so. It finds out by what is refused, and
// asks again now and then.

// errNoControl is in the errors of what was done but for the control key.
var errNoControl = errors.New("an ACL refuses the control key")

// errNeedsScript is in the errors of what plain commands cannot do in one step.
var errNeedsScript = errors.New("this needs a script")

// Limited reports whether the store goes without leases.
func (s *Store) Limited() bool { return s.Scripts().Cause() != nil || s.control.Cause() != nil }

// Limit returns why the store goes without leases, nil if it does not.
func (s *Store) Limit() error {
	if cause := s.Scripts().Cause(); cause != nil {
		return fmt.Errorf("scripts are refused, so that there are no leases, "+
			"and a write does not keep the loads of other processes from being stored%s: %w",
			permitting(cause), cause)
	}
	if cause := s.control.Cause(); cause != nil {
		return fmt.Errorf("the keys that begin with %q are refused, so that there are no leases, "+
			"and it is not recorded that the source has no value: choose a ControlPrefix "+
			"that the user of Redis may use: %w", s.family.Prefix(), cause)
	}
	return nil
}

// Unleased reports whether to load without a lease. It is false for a call now and then, which
// is to ask whether there are leases again.
func (s *Store) Unleased() bool { return s.Scripts().Holds() || s.control.Holds() }

// RefusesLeases reports whether an error of AcquireAll says that there are no leases, and notes
// that, or else that there are.
func (s *Store) RefusesLeases(ctx context.Context, deadline time.Time, key string, err error) bool {
	switch {
	case err == nil:
		s.Scripts().Clear()
		s.control.Clear()
	case client.RefusesScripts(err):
		s.Scripts().Note(err)
		return true
	}
	return s.refusesControl(ctx, deadline, key, err)
}

// refusesControl reports whether an error is that of a control key which the client may not use.
// Redis does not say which key of several it has refused: so it is asked about one that lies
// beside the control key, and holds nothing.
func (s *Store) refusesControl(
	ctx context.Context, deadline time.Time, key string, err error,
) bool {
	if !client.RefusesKey(err) || errors.Is(err, errNoControl) {
		return false
	}
	if s.control.Cause() != nil {
		s.control.Note(err)
		return true
	}
	scratch := rediskey.ScratchKey(s.family.Prefix(), key)
	_, refusal := client.RunUntil(ctx, s.Client, deadline, func(ctx context.Context) (struct{}, error) {
		cmd := client.NewSmall(ctx, "unlink", scratch)
		return struct{}{}, s.Process(ctx, s.Redis(), cmd)
	})
	if client.RefusesKey(refusal) {
		s.control.Note(refusal)
	}
	return client.RefusesKey(refusal)
}

// withoutControl is the error of a write that was carried out but for the control key.
func (s *Store) withoutControl(key string) error {
	return fmt.Errorf("what the key held is removed, but not %q, where others may have a lease, or "+
		"find that the source has no value: %w: choose a ControlPrefix that the user of Redis "+
		"may use: %w", s.family.Control(key), errNoControl, s.control.Cause())
}

// needsScript is the error of what plain commands cannot do, for an error of its script; any
// other error is returned as it is.
func needsScript(err error) error {
	if !client.RefusesScripts(err) || errors.Is(err, errNeedsScript) {
		return err
	}
	return fmt.Errorf("%w, and scripts are refused: %w", errNeedsScript, err)
}

// putIfAbsentPlainly is PutIfAbsent of a string by plain commands. A key of another type is not
// replaced.
func (s *Store) putIfAbsentPlainly(
	ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration,
) (stored bool, err error) {
	if s.shape != codec.ShapeString {
		return false, fmt.Errorf("for a Redis %v %w: %w", s.shape, errNeedsScript, s.Limit())
	}
	w := s.PutStep(key, e, ttl)
	w.once = true
	err = s.sendStep(ctx, deadline, ifAbsentStep{plainStep{w}}, true)
	return err == nil && w.Done, err
}

// An ifAbsentStep stores a string where there is nothing. The lease goes in any case: a load
// that it was granted for is not stored then, which does no harm.
type ifAbsentStep struct{ plainStep }

func (w ifAbsentStep) Commands(ctx context.Context, mode client.EvalMode) []*client.Command {
	cmds := w.plainStep.Commands(ctx, mode)
	cmds[0] = client.NewSmall(ctx, append(cmds[0].Args(), "nx")...)
	return cmds
}

func (w ifAbsentStep) Answered(
	ctx context.Context, c *client.Client, cmds []*client.Command,
) error {
	if err := w.plainStep.Answered(ctx, c, cmds); err != nil {
		return err
	}
	answer, err := cmds[0].Text()
	w.Done = err == nil && answer == "OK"
	return err
}

// touchPlainly is Touch by plain commands. What is empty it cannot touch.
func (s *Store) touchPlainly(
	ctx context.Context, deadline time.Time, key string, ttl time.Duration,
) (ok bool, err error) {
	step := &touchStep{key: key, ttl: ttl}
	if err := s.sendStep(ctx, deadline, step, false); err != nil || step.found {
		return step.found, err
	}
	if s.HoldsEmpties() {
		return false, fmt.Errorf("there is no value, unless it is empty, and to find out "+
			"and give that its TTL %w: %w", errNeedsScript, s.Limit())
	}
	return false, nil
}

// A touchStep gives a value another TTL.
type touchStep struct {
	client.Reading // it writes, and nothing that replicas or others have to wait for
	key            string
	ttl            time.Duration
	found          bool
}

func (t *touchStep) Key() string    { return t.key }
func (t *touchStep) Keys() []string { return []string{t.key} }
func (t *touchStep) Writes() bool   { return true }

func (t *touchStep) Commands(ctx context.Context, _ client.EvalMode) []*client.Command {
	expire := client.NewSmall(ctx, "pexpire", t.key, t.ttl.Milliseconds())
	if t.ttl == Forever {
		expire = client.NewSmall(ctx, "persist", t.key)
	}
	return []*client.Command{client.NewSmall(ctx, "exists", t.key), expire}
}

func (t *touchStep) Answered(
	_ context.Context, _ *client.Client, cmds []*client.Command,
) error {
	there, err := cmds[0].Int()
	t.found = there > 0
	return cmp.Or(err, cmds[1].Err())
}
