package client

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// Commands share pipelines from one number in flight on, and stop at a lower one.
func TestTraffic(t *testing.T) {
	var g gauge
	for n := range pipelineAbove {
		if g.enter() {
			t.Errorf("the %d. command shares", n+1)
		}
	}
	if !g.enter() {
		t.Errorf("the %d. command does not share", pipelineAbove+1)
	}
	for n := pipelineAbove + 1; n > pipelineUntil; n-- {
		g.leave()
		if share := g.enter(); share != (n > pipelineUntil) {
			t.Errorf("with %d in flight a command shares: %v", n, share)
		}
		g.leave()
	}
	g.leave()
	if g.enter() {
		t.Errorf("with %d in flight a command still shares", g.count.Load())
	}
}

// The larger the answers, the fewer are in a batch, and no more than half of all in flight.
func TestSeats(t *testing.T) {
	s := &Client{executor: new(executor)}
	s.inFlight.count.Store(10 * maxBatch)
	fill := func() (n int) {
		var b batch
		for ; n == 0 || !s.isFull(&b, s.answers.bytes()); n++ {
			cmd := redis.NewRawWriteToCmd(t.Context(), nil, "get", "k")
			b.add(nil, []queuedCommand{{client: s, cmd: cmd}})
		}
		return n
	}
	if n := fill(); n != maxBatch {
		t.Errorf("%d at first, want %d", n, maxBatch)
	}
	answer := func(bytes int64) {
		cmd := redis.NewRawWriteToCmd(t.Context(), nil, "get", "k")
		cmd.SetVal(bytes)
		var b batch
		b.add(nil, []queuedCommand{{client: s, cmd: cmd}})
		b.learn()
	}
	for range 1000 {
		answer(1 << 20)
	}
	if n := fill(); n != 1 {
		t.Errorf("%d answers of a megabyte are in a batch", n)
	}
	for range 1000 {
		answer(300)
	}
	if n := fill(); n != maxBatch {
		t.Errorf("%d small ones, want %d", n, maxBatch)
	}
	for inFlight, want := range map[int32]int{minBatch: minBatch, 100: 50} {
		s.inFlight.count.Store(inFlight)
		if n := fill(); n != want {
			t.Errorf("%d of %d in flight, want %d", n, inFlight, want)
		}
	}
}
