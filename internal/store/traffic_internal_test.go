package store

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// Commands share pipelines from one number in flight on, and stop at a lower one.
func TestTraffic(t *testing.T) {
	var traffic traffic
	for n := range denseAbove {
		if traffic.enter() {
			t.Errorf("the %d. command shares", n+1)
		}
	}
	if !traffic.enter() {
		t.Errorf("the %d. command does not share", denseAbove+1)
	}
	for n := denseAbove + 1; n > sparseAt; n-- {
		traffic.leave()
		if share := traffic.enter(); share != (n > sparseAt) {
			t.Errorf("with %d in flight a command shares: %v", n, share)
		}
		traffic.leave()
	}
	traffic.leave()
	if traffic.enter() {
		t.Errorf("with %d in flight a command still shares", traffic.inFlight.Load())
	}
}

// The larger the answers, the fewer travel together, and no more than half of all.
func TestSeats(t *testing.T) {
	var s Store
	s.traffic.inFlight.Store(10 * maxSeats)
	if n := s.seats(); n != maxSeats {
		t.Errorf("%d at first, want %d", n, maxSeats)
	}
	answer := func(bytes int64) {
		cmd := redis.NewRawWriteToCmd(t.Context(), nil, "get", "k")
		cmd.SetVal(bytes)
		s.trips.learn([]redis.Cmder{cmd}, 1)
	}
	for range 100 {
		answer(1 << 20)
	}
	if n := s.seats(); n != 1 {
		t.Errorf("%d answers of a megabyte travel together", n)
	}
	for range 100 {
		answer(300)
	}
	if n := s.seats(); n != maxSeats {
		t.Errorf("%d small ones, want %d", n, maxSeats)
	}
	for inFlight, want := range map[int32]int{minSeats: minSeats, 100: 50} {
		s.traffic.inFlight.Store(inFlight)
		if n := s.seats(); n != want {
			t.Errorf("%d of %d in flight, want %d", n, inFlight, want)
		}
	}
}
