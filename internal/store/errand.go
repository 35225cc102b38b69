package store

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/resp"
)

// An errand is a script that is to run for the keys of a slot, alone or together with
// others.
type errand struct {
	script *script
	how    repetition // when it is sent by itself
	keys   []any      // each a string
	args   []any

	answer any // set by who carries it out, as is err
	err    error
}

// carryOut runs the scripts of errands in one round trip, on a cluster one to each master,
// and the commands beside them. What has met a server without its script was not carried
// out, and is sent again; how is for what go-redis repeats.
func (s *Store) carryOut(ctx context.Context, how repetition, due []*errand, beside ...redis.Cmder) error {
	for _, as := range []form{(*script).byHash, (*script).byHash, (*script).whole} {
		parcels := s.parcels(due)
		cmds := make([]*command, len(parcels))
		for i, parcel := range parcels {
			cmds[i] = parcel.command(ctx, as)
		}
		all := append(cmders(cmds), beside...)
		if err := refused(all, s.execWrites(ctx, s.rdb, how, all)); err != nil {
			return err
		}
		doubt(beside, readOnlyError(all))
		beside = nil
		due = nil
		for i, parcel := range parcels {
			err := cmds[i].Err()
			if isCrossSlot(err) && len(parcel) > 1 {
				s.crossSlot.Store(true)
				due = append(due, parcel...)
				continue
			}
			if isUnknownScript(err) {
				due = append(due, parcel...)
			}
			parcel.take(cmds[i], err)
		}
		if len(due) == 0 {
			break
		}
		s.teachParcels(ctx, s.parcels(due))
	}
	return nil
}

// doubt has commands that read asked again when others beside them met a server that must not
// write: what it said may be out of date as well.
func doubt(reads []redis.Cmder, refusal error) {
	if refusal == nil {
		return
	}
	for _, cmd := range reads {
		if !isReadOnly(cmd.Err()) {
			cmd.SetErr(fmt.Errorf("%w: %w", errUnsettled, refusal))
		}
	}
}

func pointers(errands []errand) []*errand {
	all := make([]*errand, len(errands))
	for i := range errands {
		all[i] = &errands[i]
	}
	return all
}

// A verdict is what a script says that answers yes or no.
type verdict struct {
	yes bool
	err error
}

func (e *errand) verdict() (v verdict) {
	if e.err != nil {
		return verdict{err: withoutValue(e.err)}
	}
	n, ok := e.answer.(int64)
	if !ok {
		return verdict{err: resp.ErrBroken}
	}
	return verdict{yes: n == 1}
}

// do carries out one errand, along with other commands or by itself.
func (s *Store) do(ctx context.Context, e *errand) error {
	return s.dispatch(e.how, func() error {
		return s.share(ctx, time.Now(), queuedCommand{errand: e})
	}, func() error {
		e.answer, e.err = run(ctx, s, func(ctx context.Context) (any, error) {
			cmd, err := s.eval(ctx, s.rdb, e.script, e.how, e.keys, e.args)
			if err != nil {
				return nil, err
			}
			return cmd.decoded()
		})
		return e.err
	})
}

// judge carries out an errand that is answered by yes or no.
func (s *Store) judge(ctx context.Context, deadline time.Time, e errand) (yes bool, err error) {
	ctx, cancel := s.patience.until(ctx, deadline)
	defer cancel()
	if err := s.do(ctx, &e); err != nil {
		return false, withoutValue(err)
	}
	v := e.verdict()
	return v.yes, v.err
}

// judgeAll is judge for many errands, a thousand a round trip.
func (s *Store) judgeAll(ctx context.Context, deadline time.Time, n int, nth func(i int) errand) []verdict {
	verdicts := make([]verdict, n)
	for from := 0; from < n; from += keysPerTrip {
		part := verdicts[from:min(from+keysPerTrip, n)]
		errands := make([]errand, len(part))
		for i := range errands {
			errands[i] = nth(from + i)
		}
		judged, err := until(ctx, s, deadline, func(ctx context.Context) ([]verdict, error) {
			if err := s.carryOut(ctx, often, pointers(errands)); err != nil {
				return nil, err
			}
			judged := make([]verdict, len(errands))
			for i := range errands {
				s.sawLoss(errands[i].err)
				judged[i] = errands[i].verdict()
			}
			return judged, nil
		})
		for i := range part {
			part[i].err = err
		}
		copy(part, judged)
	}
	return verdicts
}
