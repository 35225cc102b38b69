package store

import (
	"context"
	"slices"
	"time"

	"github.com/asidecache/aside/internal/rediskey"
)

// AcquireAll is Acquire for many keys, a thousand a round trip.
func (s *Store) AcquireAll(ctx context.Context, deadline time.Time, asks []Ask, life time.Duration) {
	if len(asks) == 1 {
		ask := &asks[0]
		ask.Answer, ask.Err = s.Acquire(ctx, deadline, ask.Key, life, ask.Replace)
		return
	}
	for part := range slices.Chunk(asks, keysPerTrip) {
		s.acquireTrip(ctx, deadline, part, life)
	}
}

func (s *Store) acquireTrip(ctx context.Context, deadline time.Time, asks []Ask, life time.Duration) {
	tries := make([]acquisition, len(asks))
	due := make([]int, len(asks)) // by index
	for i, ask := range asks {
		tries[i], due[i] = acquisition{store: s, keys: keysOf(ask.Key), replace: ask.Replace, life: life}, i
	}
	for len(due) > 0 {
		leases, tokens := make([]Lease, len(due)), rediskey.NewTokens(len(due))
		errands := make([]errand, len(due))
		for n, i := range due {
			errands[n] = tries[i].attempt(&leases[n], tokens[n])
		}
		sent, err := until(ctx, s, deadline, func(ctx context.Context) ([]errand, error) {
			return errands, s.carryOut(ctx, once, pointers(errands))
		})
		late := ctx.Err() != nil || !time.Now().Before(deadline)
		for n, i := range due {
			ask := &asks[i]
			ask.Answer, ask.Err = Acquired{}, err
			if err == nil {
				if ask.Err = sent[n].err; ask.Err == nil {
					ask.Answer, ask.Err = acquiredOf(sent[n].answer, &leases[n])
				}
				s.sawLoss(ask.Err)
			}
		}
		s.leaveDead(ctx, tries[due[0]].made-1, asks[due[0]].Err)
		due = slices.DeleteFunc(due, func(i int) bool {
			ask := &asks[i]
			over := ask.Err == nil || late || tries[i].isOver(ask.Err)
			if over {
				ask.Answer, ask.Err = tries[i].end(ask.Answer, ask.Err)
			}
			return over
		})
	}
}

// RenewAll is Renew for many leases, a thousand a round trip. It reports which it knows
// to have ended.
func (s *Store) RenewAll(ctx context.Context, deadline time.Time, leases []*Lease) (ended []bool) {
	ended = make([]bool, len(leases))
	if len(leases) == 1 {
		held, err := leases[0].Renew(ctx, deadline)
		ended[0] = err == nil && !held
		return ended
	}
	for i, v := range s.judgeAll(ctx, deadline, len(leases), func(i int) errand { return leases[i].renewal() }) {
		ended[i] = v.err == nil && !v.yes
	}
	return ended
}

// ReleaseAll is Release for many leases, a thousand a round trip. What Redis does not hear
// of ends by itself.
func (s *Store) ReleaseAll(ctx context.Context, deadline time.Time, leases []*Lease) {
	if len(leases) == 1 {
		_, _ = leases[0].Release(ctx, deadline)
		return
	}
	s.judgeAll(ctx, deadline, len(leases), func(i int) errand { return leases[i].giveBack() })
}
