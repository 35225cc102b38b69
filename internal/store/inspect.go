package store

import (
	"context"
	"time"

	"github.com/asidecache/aside/internal/client"
)

// Inspect asks for all that Redis knows of a key: the value, or that it is empty or
// absent, and with ttl the remaining TTL. One round trip.
func (s *Store) Inspect(
	ctx context.Context, deadline time.Time, key string, e *Entry, ttl bool,
) error {
	_, err := client.RunUntil(ctx, s.Client, deadline, func(ctx context.Context) (struct{}, error) {
		errs, err := s.ReadSteps(ctx, s.InspectStep(key, e, true, ttl))
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, errs[0]
	})
	return err
}

// InspectStep is Inspect as a Step. Without markers it is Read: values that are strings need no
// more.
func (s *Store) InspectStep(key string, e *Entry, markers, ttl bool) Step {
	return &inspectStep{store: s, key: key, entry: e, markers: markers, ttl: ttl || s.ttls}
}

// An inspectStep reads a value, and with markers the control key, and with ttl their TTLs.
type inspectStep struct {
	client.Reading
	store        *Store
	key          string
	entry        *Entry
	markers, ttl bool
}

func (l *inspectStep) Key() string    { return l.key }
func (l *inspectStep) Keys() []string { return []string{l.key} }

func (l *inspectStep) Commands(ctx context.Context, _ client.EvalMode) []*client.Command {
	cmds := []*client.Command{l.store.readCmd(ctx, l.key)}
	control := l.store.family.Control(l.key)
	if l.markers {
		cmds = append(cmds, client.NewCommand(ctx, "get", control))
	}
	if l.ttl {
		cmds = append(cmds, client.NewSmall(ctx, "pttl", l.key))
	}
	if l.ttl && l.markers {
		cmds = append(cmds, client.NewSmall(ctx, "pttl", control))
	}
	return cmds
}

func (l *inspectStep) Answered(_ context.Context, _ *client.Client, cmds []*client.Command) error {
	e := l.entry
	e.Wire.Reset(l.key)
	e.State, e.TTL, e.Leased = Missing, 0, false
	found, err := l.store.parseValue(&e.Wire, cmds[0], cmds[0].Err())
	if err != nil {
		return err
	}
	if l.markers {
		if err := l.store.readMarker(e, cmds[1]); err != nil {
			return err
		}
	}
	pttl := len(cmds) - 1 // of the marker
	if found {
		e.State = Present
		if l.markers {
			pttl--
		}
	}
	if l.ttl && e.State != Missing {
		e.TTL, err = ttlOf(cmds[pttl])
	}
	return err
}

// ttlOf reads the answer to PTTL.
func ttlOf(cmd *client.Command) (time.Duration, error) {
	left, err := cmd.Int()
	return remaining(left), err
}

// readMarker sets e's state by what the control key holds.
func (s *Store) readMarker(e *Entry, cmd *client.Command) error {
	held, err := cmd.Text()
	switch {
	case client.RefusesKey(err):
		s.control.Note(err)
	case err != nil && !client.IsWrongType(err):
		return err
	}
	var marker string
	marker, e.Leased = parseControl(held)
	switch {
	case marker == markerAbsent:
		e.State = Absent
	case s.isEmpty(marker):
		e.State = Present
	}
	return nil
}

// FieldsStep reads fields of a hash, and with them whether there is one: e's state tells.
func (s *Store) FieldsStep(key string, names [][]byte, e *Entry) Step {
	return &fieldsStep{store: s, key: key, names: names, entry: e}
}

type fieldsStep struct {
	client.Reading
	store *Store
	key   string
	names [][]byte
	entry *Entry
}

func (f *fieldsStep) Key() string    { return f.key }
func (f *fieldsStep) Keys() []string { return []string{f.key} }

func (f *fieldsStep) Commands(ctx context.Context, _ client.EvalMode) []*client.Command {
	args := []any{"hmget", f.key}
	for _, name := range f.names {
		args = append(args, name)
	}
	control := f.store.family.Control(f.key)
	return []*client.Command{
		client.NewCommand(ctx, args...),
		client.NewSmall(ctx, "pttl", f.key),
		client.NewCommand(ctx, "get", control),
		client.NewSmall(ctx, "pttl", control),
	}
}

func (f *fieldsStep) Answered(_ context.Context, _ *client.Client, cmds []*client.Command) error {
	e := f.entry
	e.Wire.Reset(f.key)
	e.State, e.TTL, e.Leased = Missing, 0, false
	switch err := cmds[0].Err(); {
	case client.IsWrongType(err):
		return ErrWrongType
	case err != nil:
		return err
	}
	found, err := cmds[0].Reply().ParseFields(&e.Wire, f.names)
	if err != nil {
		return err
	}
	left, err := cmds[1].Int()
	if err != nil {
		return err
	}
	if err := f.store.readMarker(e, cmds[2]); err != nil {
		return err
	}
	pttl := cmds[3] // of the marker
	if found || left != noKey {
		e.State = Present
		pttl = cmds[1]
	}
	if e.State != Missing {
		e.TTL, err = ttlOf(pttl)
	}
	return err
}
