package store

import (
	"context"
	"slices"
	"time"

	"github.com/asidecache/aside/internal/client"
)

// AcquireAll is Acquire for many keys, a thousand a round trip. The keys are different: those that
// are asked for together have one token.
func (s *Store) AcquireAll(
	ctx context.Context, deadline time.Time, asks []Ask, ttl time.Duration,
) {
	if len(asks) == 1 {
		ask := &asks[0]
		ask.Answer, ask.Err = s.acquire(ctx, deadline, *ask, ttl)
		return
	}
	for part := range slices.Chunk(asks, client.CallsPerTrip) {
		err := s.acquireChunk(ctx, deadline, part, ttl)
		deadline = s.NextTrip(deadline, err)
	}
}

// acquireChunk is AcquireAll in one round trip. It returns an error if that was not answered.
func (s *Store) acquireChunk(
	ctx context.Context, deadline time.Time, asks []Ask, ttl time.Duration,
) (unanswered error) {
	leases, keys := make([]Lease, len(asks)), make([]any, 0, 2*len(asks))
	due := make([]int, len(asks)) // by index
	for i := range asks {
		from := len(keys)
		keys = s.appendKeys(keys, &asks[i])
		leases[i].keys, due[i] = keys[from:len(keys):len(keys)], i
	}
	a := acquisition{terms: s.terms(ttl)}
	for len(due) > 0 {
		a.begin(new(claim))
		var args [2][]any // of those that do not replace a value, and of those that do
		calls := make([]client.Call, len(due))
		for n, i := range due {
			of := &args[0]
			if asks[i].Replace {
				of = &args[1]
			}
			if *of == nil {
				*of = a.appendArgs(nil, asks[i].Replace, noString)
			}
			leases[i].claim = a.claim
			calls[n] = leases[i].request(*of)
		}
		began := time.Now()
		sent, err := client.RunUntil(ctx, s.Client, deadline, func(ctx context.Context) ([]client.Call, error) {
			return calls, s.ExecAll(ctx, client.NotRetryable, client.Pointers(calls))
		})
		unanswered = err
		late := ctx.Err() != nil || !time.Now().Before(deadline)
		for n, i := range due {
			ask := &asks[i]
			ask.Answer, ask.Err = Acquired{}, err
			if err == nil {
				if ask.Err = sent[n].Err; ask.Err == nil {
					ask.Answer, ask.Err = acquiredOf(sent[n].Answer, &leases[i], began)
				}
				s.RecordLoss(ask.Err)
			}
		}
		s.CloseDead(ctx, len(a.lost), asks[due[0]].Err)
		due = slices.DeleteFunc(due, func(i int) bool {
			ask := &asks[i]
			over := ask.Err == nil || late || a.isOver(ask.Err)
			if over {
				ask.Answer, ask.Err = a.end(leases[i].keys, ask.Answer, ask.Err)
			}
			return over
		})
	}
	return unanswered
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
	for i, v := range s.EvalBools(ctx, deadline, callsOf(leases, (*Lease).renewal)) {
		ended[i] = v.Err == nil && !v.Yes
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
	s.EvalBools(ctx, deadline, callsOf(leases, (*Lease).giveBack))
}

// callsOf returns one call for each lease.
func callsOf(leases []*Lease, of func(*Lease) client.Call) []client.Call {
	all := make([]client.Call, len(leases))
	for i, l := range leases {
		all[i] = of(l)
	}
	return all
}
