package model

import (
	"flag"
	"testing"
	"time"
)

var large = flag.Bool("model.large", false, "explore the larger worlds too, which takes minutes, and gigabytes of memory")

// A promise is a protocol that keeps all promises in a world.
type promise struct {
	name  string
	rules Protocol
	setup Setup
}

// The protocol holds in each of these worlds. Where the processes are fewer than three,
// one of them has followers.
var promises = []promise{
	{"two deletes", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, Calls: 1, Writes: []Write{Delete, Delete},
	}},
	{"second calls", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, Calls: 2, Writes: []Write{Delete}, Faults: Faults{Losses: 1},
	}},
	{"followers", Protocol{}, Setup{
		Readers: []int{2, 1, 1}, Calls: 1, Writes: []Write{Delete},
	}},
	{"followers and losses", Protocol{}, Setup{
		Readers: []int{2}, Calls: 2, Foreseen: true, Writes: []Write{Delete, Delete}, Faults: Faults{Losses: 1, Failures: 1},
	}},
	{"followers and a refresh", Protocol{}, Setup{
		Readers: []int{2, 1}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete},
	}},
	{"refreshes", Protocol{}, Setup{
		Readers: []int{1}, Refreshers: 2, Value: true, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Losses: 1, Failures: 1},
	}},
	{"delete in two commands", Protocol{Delete: ControlFirst}, Setup{
		Readers: []int{1, 1}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Losses: 1},
	}},
	{"death in a delete of two commands", Protocol{Delete: ControlFirst}, Setup{
		Readers: []int{1}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Kills: 1, Lost: 1},
	}},
	{"sets", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, Calls: 1, Value: true, Missing: 1 << 2, Writes: []Write{Set, Delete, SetIfAbsent},
	}},
	{"marks", Protocol{}, Setup{
		Readers: []int{1, 1}, Refreshers: 1, Calls: 1, Mark: true, Missing: 1 << 1, Writes: []Write{Set}, Faults: Faults{Losses: 1, Failures: 1},
	}},
	{"elements of what does not exist", Protocol{}, Setup{
		Readers: []int{1}, Refreshers: 1, Calls: 1, Mark: true, Missing: 1<<1 | 1<<2, Writes: []Write{Pop, Push}, Faults: Faults{Losses: 1, Failures: 1},
	}},
	{"elements of a value", Protocol{}, Setup{
		Readers: []int{1, 1}, Refreshers: 1, Calls: 1, Value: true, Missing: 1 << 2, Writes: []Write{Pop}, Faults: Faults{Losses: 1},
	}},
	{"clock that goes back", Protocol{}, Setup{
		Readers: []int{2, 1}, Refreshers: 1, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Kills: 1, Jumps: 1},
	}},
	{"foreign SET", Protocol{}, Setup{
		Readers: []int{1, 1}, Refreshers: 1, Calls: 1, Writes: []Write{ForeignSet},
	}},
	{"foreign DEL of a value", Protocol{}, Setup{
		Readers: []int{1, 1}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{ForeignDel}, Faults: Faults{Losses: 1},
	}},
	{"deaths", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Kills: 2, Lost: 1},
	}},
	{"timeouts", Protocol{}, Setup{
		Readers: []int{2, 1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Timeouts: 1},
	}},
	{"timeouts and failures", Protocol{}, Setup{
		Readers: []int{2}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Timeouts: 2, Failures: 1, Departures: 2},
	}},
	{"timeouts of three processes", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, Calls: 1, Faults: Faults{Timeouts: 3},
	}},
	{"timeouts of a refresh", Protocol{}, Setup{
		Readers: []int{1}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Timeouts: 3, Failures: 1},
	}},
	{"late commands", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Late: 1},
	}},
	{"stale values", Protocol{}, Setup{
		Readers: []int{2, 1}, Calls: 1, Value: true, Stale: true, Writes: []Write{Delete},
	}},
	{"stale values that are lost", Protocol{}, Setup{
		Readers: []int{1, 1}, Calls: 2, Value: true, Stale: true, Writes: []Write{Delete}, Faults: Faults{Losses: 1, Failures: 1},
	}},
	{"stale values and a refresh", Protocol{}, Setup{
		Readers: []int{1}, Refreshers: 1, Calls: 1, Value: true, Stale: true, Writes: []Write{Delete}, Faults: Faults{Kills: 1, Lost: 1},
	}},
	{"stale values that are set", Protocol{}, Setup{
		Readers: []int{2}, Calls: 2, Value: true, Stale: true, Missing: 1 << 2, Writes: []Write{Set, Delete},
	}},
	{"stale values and foreign writes", Protocol{}, Setup{
		Readers: []int{1, 1}, Calls: 1, Value: true, Stale: true, Writes: []Write{ForeignSet, ForeignDel},
	}},
	{"stale marks", Protocol{}, Setup{
		Readers: []int{2}, Calls: 2, Mark: true, Missing: 1 << 1, Stale: true, Writes: []Write{Set}, Faults: Faults{Losses: 1},
	}},
	{"stale values and timeouts", Protocol{}, Setup{
		Readers: []int{2}, Calls: 1, Value: true, Stale: true, Writes: []Write{Delete}, Faults: Faults{Timeouts: 2, Failures: 1, Late: 1},
	}},
	{"stale values of two versions", Protocol{}, Setup{
		Readers: []int{1, 1}, SecondProcesses: 1 << 1, Calls: 2, Value: true, Stale: true, Writes: []Write{Delete}, SecondWriters: 1,
	}},
	{"two versions", Protocol{}, Setup{
		Readers: []int{1, 1}, SecondProcesses: 1 << 1, Calls: 1, Value: true, Writes: []Write{Delete, Delete}, SecondWriters: 1 << 1, Faults: Faults{Losses: 1},
	}},
	{"followers of two versions", Protocol{}, Setup{
		Readers: []int{2, 1}, SecondProcesses: 1 << 1, Calls: 1, Writes: []Write{Delete}, SecondWriters: 1, Faults: Faults{Kills: 1},
	}},
	{"writers of two versions", Protocol{}, Setup{
		Readers: []int{1, 1}, SecondProcesses: 1 << 1, Calls: 1, Missing: 1 << 3, Writes: []Write{Set, Set}, SecondWriters: 1 << 1, Faults: Faults{Losses: 1},
	}},
	{"followers and a refresh of two versions", Protocol{}, Setup{
		Readers: []int{2}, Refreshers: 1, SecondProcesses: 1 << 1, Calls: 1, Value: true, Writes: []Write{Delete}, Faults: Faults{Failures: 1},
	}},
	{"delete of two versions in two commands", Protocol{Delete: ControlFirst}, Setup{
		Readers: []int{1, 1}, SecondProcesses: 1 << 1, Calls: 1, Value: true, Writes: []Write{Delete}, SecondWriters: 1, Faults: Faults{Losses: 1, Lost: 1},
	}},
	{"elements of two versions", Protocol{}, Setup{
		Readers: []int{1, 1}, SecondProcesses: 1 << 1, Calls: 1, Value: true, Missing: 1 << 2, Writes: []Write{Pop, Push}, SecondWriters: 1 << 1,
	}},
	{"one load", Protocol{}, Setup{
		Readers: []int{2, 2, 1}, Calls: 1, Foreseen: true, OneLoad: true, Faults: Faults{Lost: 1},
	}},
	{"one load of nothing", Protocol{}, Setup{
		Readers: []int{2, 1, 1}, Calls: 2, Missing: 1 << 1, OneLoad: true, Faults: Faults{Lost: 1},
	}},
}

// These take too long to be run after every change.
var largePromises = []promise{
	{"two deletes and a loss", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, Calls: 1, Writes: []Write{Delete, Delete}, Faults: Faults{Losses: 1},
	}},
	{"three processes of two versions", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, SecondProcesses: 1 << 2, Calls: 1, Value: true, Writes: []Write{Delete, Delete}, SecondWriters: 1 << 1, Faults: Faults{Losses: 1},
	}},
	{"four processes", Protocol{}, Setup{
		Readers: []int{1, 1, 1, 1}, Calls: 1, Writes: []Write{Delete, Delete}, Faults: Faults{Losses: 1},
	}},
	{"three writers", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, Calls: 2, Writes: []Write{Delete, Delete, Delete}, Faults: Faults{Losses: 1},
	}},
	{"losses and lost answers", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, Calls: 1, Writes: []Write{Delete, Delete}, Faults: Faults{Losses: 2, Lost: 1},
	}},
	{"followers and a loss", Protocol{}, Setup{
		Readers: []int{2, 1}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Losses: 1},
	}},
	{"followers in two processes", Protocol{}, Setup{
		Readers: []int{2, 2, 1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Losses: 1},
	}},
	{"refreshes and two deletes", Protocol{}, Setup{
		Readers: []int{1, 1}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete, Delete}, Faults: Faults{Losses: 1, Failures: 1},
	}},
	{"foreign DEL and Delete", Protocol{}, Setup{
		Readers: []int{1, 1}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{ForeignDel, Delete}, Faults: Faults{Losses: 1},
	}},
	{"late commands and lost answers", Protocol{}, Setup{
		Readers: []int{1, 1, 1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Late: 2, Lost: 1},
	}},
	{"timeouts twice", Protocol{}, Setup{
		Readers: []int{2}, Calls: 2, Writes: []Write{Delete}, Faults: Faults{Timeouts: 3, Failures: 1, Departures: 2},
	}},
	{"timeouts in three processes", Protocol{}, Setup{
		Readers: []int{2, 1, 1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Timeouts: 1, Departures: 1},
	}},
	{"delete in two commands, and deaths", Protocol{Delete: ControlFirst}, Setup{
		Readers: []int{1, 1}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete, Delete}, Faults: Faults{Kills: 1, Lost: 1},
	}},
	{"marks and two writers", Protocol{}, Setup{
		Readers: []int{1, 1}, Refreshers: 1, Calls: 1, Mark: true, Missing: 1 << 1, Writes: []Write{Delete, Set}, Faults: Faults{Losses: 1, Failures: 1},
	}},
	{"foreign SET and Delete", Protocol{}, Setup{
		Readers: []int{2, 1}, Refreshers: 1, Calls: 1, Writes: []Write{ForeignSet, Delete},
	}},
	{"everything once", Protocol{}, Setup{
		Readers: []int{1, 1}, Calls: 1, Writes: []Write{Delete},
		Faults: Faults{Losses: 1, Kills: 1, Lost: 1, Late: 1, Timeouts: 1, Failures: 1, Departures: 1},
	}},
	{"everything once, with followers", Protocol{}, Setup{
		Readers: []int{2}, Calls: 1, Writes: []Write{Delete},
		Faults: Faults{Losses: 1, Kills: 1, Lost: 1, Late: 1, Timeouts: 1, Failures: 1, Departures: 1},
	}},
	{"everything once, with a refresh", Protocol{}, Setup{
		Readers: []int{1}, Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete},
		Faults: Faults{Losses: 1, Kills: 1, Lost: 1, Late: 1, Timeouts: 1, Failures: 1, Departures: 1},
	}},
}

func TestProtocol(t *testing.T) {
	skipWithRace(t)
	keep(t, promises)
}

// skipWithRace skips an exploration: it is of one goroutine, and the race detector makes it ten
// times as long.
func skipWithRace(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("explored without the race detector")
	}
}

func TestProtocolLarge(t *testing.T) {
	if !*large {
		t.Skip("-model.large is not set")
	}
	keep(t, largePromises)
}

func keep(t *testing.T, promises []promise) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r := Explore(p.rules, p.setup)
			t.Logf("%v, %.1f s", r, time.Since(began).Seconds())
			if r.Breach != None {
				t.Fail()
			}
		})
	}
}
