package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	population = 400 // users
	cold       = 300 // users above are not asked for, but by a stampede
)

// A load sends the same requests to both arms, a number a second: mostly reads, of a few users more
// than of all others. It does not wait for answers before it sends the next ones, as the world
// does not.
type load struct {
	arms  []*arm
	bases func() []string // of the instances
	rate  atomic.Int64    // requests a second and arm

	sent sync.WaitGroup
}

// pulse is how often requests are sent: several at a time where the rate is high.
const pulse = 10 * time.Millisecond

// run sends requests until ctx ends, and returns when all are answered or given up.
func (l *load) run(ctx context.Context) {
	defer l.sent.Wait()
	clock := time.NewTicker(pulse)
	defer clock.Stop()
	due := 0.0
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-clock.C:
			due += min(now.Sub(last).Seconds(), 0.1) * float64(l.rate.Load())
			last = now
		}
		for ; due >= 1; due-- {
			l.one(ctx)
		}
	}
}

// one sends one request to both arms, to the same instance.
func (l *load) one(ctx context.Context) {
	bases := l.bases()
	base := bases[rand.N(len(bases))]
	id, chance := someUser(), rand.Float64()
	for _, a := range l.arms {
		l.sent.Go(func() {
			switch {
			case chance < 0.88:
				_, _, _, _ = a.user(ctx, base, id, options{})
			case chance < 0.95:
				a.other(ctx, base, http.MethodGet, fmt.Sprintf("/users/%d/orders", id), nil)
			case chance < 0.996:
				a.other(ctx, base, http.MethodGet, "/leaderboard", nil)
			case chance < 0.998:
				_, _ = a.rename(ctx, base, id, someName(), options{})
			default:
				order := map[string]any{"item": "a book", "cents": 1990}
				a.other(ctx, base, http.MethodPost, fmt.Sprintf("/users/%d/orders", id), order)
			}
		})
	}
}

// someUser is a user: half of all requests are for a few.
func someUser() int64 {
	r := rand.Float64()
	return 1 + int64(r*r*r*r*cold)
}

var (
	first = []string{"Ada", "Alan", "Barbara", "Donald", "Edsger", "Frances", "Grace", "John", "Margaret", "Tony"}
	last  = []string{"Allen", "Backus", "Dijkstra", "Hamilton", "Hoare", "Hopper", "Knuth", "Liskov", "Lovelace", "Turing"}
)

func someName() string { return first[rand.N(len(first))] + " " + last[rand.N(len(last))] }
