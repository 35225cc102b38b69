package store

import (
	"cmp"
	"context"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
)

// A load without a lease stores a string by plain commands, which cost less than a script: the
// control key goes first, so that what is noted of the key, or permitted to others, ends before
// there is a value. It is not one step, and need not be: what a load with a lease does in between
// demands that there is no value, and a write in between finds what it would find after both.

// fillsPlainly reports whether that is so of values of the store.
func (s *Store) fillsPlainly() bool {
	return s.shape == codec.ShapeString && s.Replicas() == 0 && s.control.Cause() == nil
}

// fill stores what a load without a lease has found, and reports whether that could be tried. If
// not, put is to do it.
func (s *Store) fill(
	ctx context.Context, deadline time.Time, key string, e *Entry, ttl time.Duration,
) (tried bool, err error) {
	if !s.fillsPlainly() {
		return false, nil
	}
	step := &fillStep{store: s, key: key, value: e.Wire.Value(0), ttl: ttl}
	if len(step.value) > maxFill {
		err = s.sendStep(ctx, deadline, step, false)
	} else {
		err = s.Send(ctx, deadline, step)
	}
	return !s.refusesPlainly(ctx, deadline, key, err), err
}

// refusesPlainly reports whether an error says that put may do what fill could not.
func (s *Store) refusesPlainly(
	ctx context.Context, deadline time.Time, key string, err error,
) bool {
	return withoutScripts(err) || s.refusesControl(ctx, deadline, key, err)
}

// A fillStep is a fill of one key.
type fillStep struct {
	client.Reading // but for what follows
	store          *Store
	key            string
	value          []byte
	ttl            time.Duration
}

// fillCommands are the commands of a fillStep, in one allocation.
type fillCommands struct {
	del, set client.InlineCommand
	both     [2]*client.Command
}

func (f *fillStep) Key() string    { return f.key }
func (f *fillStep) Keys() []string { return []string{f.key} }
func (f *fillStep) Writes() bool   { return true }
func (f *fillStep) Largest() int   { return len(f.value) }

// Retry is part of Step: when the answer is lost, a newer write may have come meanwhile.
func (f *fillStep) Retry() client.Retry { return client.NotRetryable }

func (f *fillStep) Commands(ctx context.Context, _ client.EvalMode) []*client.Command {
	c := new(fillCommands)
	c.both[0] = c.del.Small(ctx, "del", f.store.family.Control(f.key))
	c.both[1] = setCmd(ctx, &c.set, f.key, f.value, f.ttl)
	return c.both[:]
}

func (f *fillStep) Answered(
	_ context.Context, _ *client.Client, cmds []*client.Command,
) error {
	return client.Redact(cmp.Or(cmds[0].Err(), cmds[1].Err()))
}

// setCmd makes cmd the command that stores a string.
func setCmd(
	ctx context.Context, cmd *client.InlineCommand, key string, value []byte, ttl time.Duration,
) *client.Command {
	if ttl == Forever {
		return cmd.Small(ctx, "set", key, value)
	}
	return cmd.Small(ctx, "set", key, value, "px", ttl.Milliseconds())
}

// fills reports whether a commit is one that fill can store along with others.
func (c Commit) fills() bool {
	u, ok := c.Committer.(leaseless)
	return ok && u.leaves && c.State == Present && u.store.fillsPlainly() &&
		len(c.Entry.Wire.Value(0)) <= maxFillAmongOthers
}

// maxFillAmongOthers is for how long a value, in bytes, others that are sent with it may wait.
const maxFillAmongOthers = 64 << 10

// fillAll is fill for some of many commits, a thousand a round trip, or fewer if they are large.
// It returns those that are to be sent by themselves.
func (s *Store) fillAll(
	ctx context.Context, deadline time.Time, commits []Commit, which []int,
) (rest []int) {
	for len(which) > 0 {
		n, size := 0, 0
		for n < min(len(which), client.CallsPerTrip) && size < chunkBytes {
			size += len(commits[which[n]].Entry.Wire.Value(0))
			n++
		}
		part := which[:n]
		which = which[n:]
		errs, err := client.RunUntil(ctx, s.Client, deadline, func(ctx context.Context) ([]error, error) {
			return s.fillTrip(ctx, commits, part)
		})
		for k, i := range part {
			c := &commits[i]
			if c.Stored, c.Err = true, cmp.Or(err, at(errs, k)); c.Err == nil {
				continue
			}
			s.RecordLoss(c.Err)
			c.Stored = false
			if err == nil && (s.IsCrossSlot(c.Err) || s.refusesPlainly(ctx, deadline, c.unleasedKey(), c.Err)) {
				rest = append(rest, i)
			}
		}
		deadline = s.NextTrip(deadline, err)
	}
	return rest
}

// fillTrip is fillAll in one round trip. It returns an error for each. The control keys of all go
// by one command, where one can name them.
func (s *Store) fillTrip(ctx context.Context, commits []Commit, which []int) ([]error, error) {
	cmds := make([]*client.Command, 0, 2*len(which))
	unlinks, sets := make([]*client.Command, len(which)), make([]*client.Command, len(which))
	if s.MultiKey() {
		controls := append(make([]any, 0, 1+len(which)), "del")
		for _, i := range which {
			controls = append(controls, s.family.Control(commits[i].unleasedKey()))
		}
		cmds = append(cmds, client.NewSmall(ctx, controls...))
	}
	together := len(cmds) > 0
	for k, i := range which {
		c, key := &commits[i], commits[i].unleasedKey()
		if !together {
			cmds = append(cmds, client.NewSmall(ctx, "del", s.family.Control(key)))
			unlinks[k] = cmds[len(cmds)-1]
		} else {
			unlinks[k] = cmds[0]
		}
		sets[k] = setCmd(ctx, new(client.InlineCommand), key, c.Entry.Wire.Value(0), c.TTL)
		cmds = append(cmds, sets[k])
	}
	all := client.Cmders(cmds)
	err := client.PipelineError(all, s.PipelineWrites(ctx, s.Redis(), client.NotRetryable, all)) // see fillStep
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(which))
	for k := range which {
		errs[k] = client.Redact(cmp.Or(unlinks[k].Err(), sets[k].Err()))
	}
	return errs, nil
}

// unleasedKey is the key of a commit that fills reports true for.
func (c *Commit) unleasedKey() string { return c.Committer.(leaseless).key }
