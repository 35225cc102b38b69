package store

import (
	"context"
	"slices"
	"time"
)

// AcquireAll is Acquire for many keys, a thousand a round trip. The claims have the errors
// beside them.
func (s *Store) AcquireAll(ctx context.Context, deadline time.Time, asks []Ask, life time.Duration) ([]Claim, []error) {
	claims, errs := make([]Claim, len(asks)), make([]error, len(asks))
	for from := 0; from < len(asks); from += keysPerTrip {
		to := min(from+keysPerTrip, len(asks))
		s.acquireTrip(ctx, deadline, asks[from:to], life, claims[from:to], errs[from:to])
	}
	return claims, errs
}

func (s *Store) acquireTrip(ctx context.Context, deadline time.Time, asks []Ask, life time.Duration, claims []Claim, errs []error) {
	tries := make([]acquisition, len(asks))
	due := make([]int, len(asks)) // by index
	for i, ask := range asks {
		tries[i], due[i] = acquisition{store: s, keys: keysOf(ask.Key), beside: ask.Beside, life: life}, i
	}
	for len(due) > 0 {
		leases, tokens := make([]Lease, len(due)), newTokens(len(due))
		errands := make([]errand, len(due))
		for n, i := range due {
			errands[n] = tries[i].attempt(&leases[n], tokens[n])
		}
		sent, err := until(ctx, s, deadline, func(ctx context.Context) ([]errand, error) {
			return errands, s.carryOut(ctx, once, pointers(errands))
		})
		late := ctx.Err() != nil || !time.Now().Before(deadline)
		for n, i := range due {
			claims[i], errs[i] = Claim{}, err
			if err == nil {
				if errs[i] = sent[n].err; errs[i] == nil {
					claims[i], errs[i] = claimOf(sent[n].answer, &leases[n])
				}
				s.sawLoss(errs[i])
			}
		}
		s.leaveDead(ctx, tries[due[0]].made-1, errs[due[0]])
		due = slices.DeleteFunc(due, func(i int) bool {
			over := errs[i] == nil || late || tries[i].isOver(errs[i])
			if over {
				claims[i], errs[i] = tries[i].end(claims[i], errs[i])
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
