package store

import (
	"context"
	"time"

	"github.com/asidecache/aside/internal/rediskey"
)

// Inspect asks for all that Redis knows of a key: the value, or that it is empty or
// absent, and with ttl the remaining life. One round trip.
func (s *Store) Inspect(ctx context.Context, deadline time.Time, key string, e *Entry, ttl bool) error {
	_, err := until(ctx, s, deadline, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.inspect(ctx, key, e, ttl)
	})
	return err
}

func (s *Store) inspect(ctx context.Context, key string, e *Entry, ttl bool) error {
	l := inspectStep{store: s, key: key, entry: e, marks: true, ttl: ttl}
	cmds := l.commands(ctx, nil)
	all := cmders(cmds)
	if err := refused(all, exec(ctx, s.rdb, all)); err != nil {
		return err
	}
	return l.answered(ctx, s, cmds)
}

// InspectStep is Inspect as a Step. Without marks it is Read: values that are strings need no
// more.
func (s *Store) InspectStep(key string, e *Entry, marks, ttl bool) Step {
	return &inspectStep{store: s, key: key, entry: e, marks: marks, ttl: ttl}
}

// A inspectStep reads a value, and with marks the control key, and with ttl the lives of both.
type inspectStep struct {
	reading
	store      *Store
	key        string
	entry      *Entry
	marks, ttl bool
}

func (l *inspectStep) Key() string    { return l.key }
func (l *inspectStep) keys() []string { return []string{l.key} }

func (l *inspectStep) commands(ctx context.Context, _ form) []*command {
	cmds := []*command{l.store.readCmd(ctx, l.key)}
	control := rediskey.ControlKey(l.key)
	if l.marks {
		cmds = append(cmds, newCommand(ctx, "get", control))
	}
	if l.ttl {
		cmds = append(cmds, newSmall(ctx, "pttl", l.key), newSmall(ctx, "pttl", control))
	}
	return cmds
}

func (l *inspectStep) answered(_ context.Context, _ *Store, cmds []*command) error {
	e := l.entry
	e.Wire.Reset(l.key)
	e.State, e.TTL, e.Leased = Missing, 0, false
	found, err := cmds[0].value(&e.Wire, l.store.shape, cmds[0].Err())
	if err != nil {
		return err
	}
	if l.marks {
		if err := l.store.readMark(e, cmds[1]); err != nil {
			return err
		}
	}
	life := len(cmds) - 1 // of the mark
	if found {
		e.State = Present
		life--
	}
	if l.ttl && e.State != Missing {
		e.TTL, err = ttlOf(cmds[life])
	}
	return err
}

// ttlOf reads the answer to PTTL.
func ttlOf(cmd *command) (time.Duration, error) {
	left, err := cmd.int()
	if err == nil && left >= 0 {
		return time.Duration(left) * time.Millisecond, nil
	}
	return time.Duration(left), err // Forever, or -2 for a key that is gone
}

// readMark sets e's state by what the control key holds.
func (s *Store) readMark(e *Entry, cmd *command) error {
	held, err := cmd.text()
	if err != nil && !isWrongType(err) {
		return err
	}
	var mark string
	mark, e.Leased = parseControl(held)
	switch {
	case mark == markAbsent:
		e.State = Absent
	case mark == markEmpty && s.HoldsEmpties():
		e.State = Present
	}
	return nil
}

// FieldsStep reads fields of a hash, and with them whether there is one: e's state tells.
func (s *Store) FieldsStep(key string, names [][]byte, e *Entry) Step {
	return &fieldsStep{store: s, key: key, names: names, entry: e}
}

type fieldsStep struct {
	reading
	store *Store
	key   string
	names [][]byte
	entry *Entry
}

func (f *fieldsStep) Key() string    { return f.key }
func (f *fieldsStep) keys() []string { return []string{f.key} }

func (f *fieldsStep) commands(ctx context.Context, _ form) []*command {
	args := []any{"hmget", f.key}
	for _, name := range f.names {
		args = append(args, name)
	}
	return []*command{
		newCommand(ctx, args...),
		newSmall(ctx, "exists", f.key),
		newCommand(ctx, "get", rediskey.ControlKey(f.key)),
	}
}

func (f *fieldsStep) answered(_ context.Context, _ *Store, cmds []*command) error {
	e := f.entry
	e.Wire.Reset(f.key)
	e.State, e.TTL, e.Leased = Missing, 0, false
	switch err := cmds[0].Err(); {
	case isWrongType(err):
		return ErrWrongType
	case err != nil:
		return err
	}
	found, err := cmds[0].reply.ParseFields(&e.Wire, f.names)
	if err != nil {
		return err
	}
	there, err := cmds[1].int()
	if err != nil {
		return err
	}
	if err := f.store.readMark(e, cmds[2]); err != nil {
		return err
	}
	if found || there > 0 {
		e.State = Present
	}
	return nil
}
