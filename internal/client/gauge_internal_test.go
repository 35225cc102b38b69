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

// The larger the answers, the fewer are in a batch, and no more than half of all in flight of late.
func TestSeats(t *testing.T) {
	s := &Client{executor: new(executor)}
	var p pipelines
	s.inFlight.count.Store(10 * maxBatch)
	fill := func() (n int) {
		var b batch
		for ; n == 0 || !s.isFull(&p, &b, s.answers.bytes()); n++ {
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
	send := func() {
		p.waiting = append(p.waiting, newBatch(1))
		p.next()
	}
	for _, tt := range []struct {
		inFlight int32
		batches  int // that are sent before
		want     int
	}{
		{minBatch, 100, minBatch},
		{100, 0, 50},
		{10, 0, 50}, // a batch was answered
		{100, 1, 50},
		{10, 1, 37},
		{10, 100, minBatch},
	} {
		for range tt.batches {
			send()
		}
		s.inFlight.count.Store(tt.inFlight)
		if n := fill(); n != tt.want {
			t.Errorf("%d of %d in flight, %d batches later, want %d", n, tt.inFlight, tt.batches, tt.want)
		}
	}
}
