// Package harness measures contenders against each other: in one process, in short
// turns, in rotating order, so that what disturbs the machine disturbs all alike.
package harness

import (
	"fmt"
	"time"
)

// A Turn lets a contender work for about d and tells how many operations it did in
// what time.
type Turn func(d time.Duration) (ops int, took time.Duration, err error)

// An Entry is a contender of a comparison.
type Entry struct {
	Name string
	Turn Turn
}

// A Plan says how much is measured.
type Plan struct {
	Rounds int           // in each of which everybody has one turn
	Turn   time.Duration // how long a turn is
	Pause  func() error  // between rounds, not measured; may be nil
}

// A Result is what one contender did.
type Result struct {
	Name  string
	Speed Quartiles // operations a second
	Ratio Quartiles // speed against that of the first entry in the same round
}

// Time returns the median time of one operation of one caller.
func (r Result) Time() time.Duration {
	return time.Duration(float64(time.Second) / r.Speed.Median)
}

// Compare gives each entry one turn in each round, the first turn to another one
// each time. One round before warms everything up and does not count. The first
// entry is what the others are compared with.
func Compare(plan Plan, entries []Entry) ([]Result, error) {
	speeds := make([][]float64, len(entries))
	for round := range plan.Rounds + 1 {
		if plan.Pause != nil {
			if err := plan.Pause(); err != nil {
				return nil, err
			}
		}
		for _, i := range order(round, len(entries)) {
			ops, took, err := entries[i].Turn(plan.Turn)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", entries[i].Name, err)
			}
			if round > 0 {
				speeds[i] = append(speeds[i], float64(ops)/took.Seconds())
			}
		}
	}
	return results(entries, speeds), nil
}

// order returns whose turn is when: in each round another entry is first.
func order(round, n int) []int {
	turns := make([]int, n)
	for i := range n {
		turns[i] = (round + i) % n
	}
	return turns
}

func results(entries []Entry, speeds [][]float64) []Result {
	out := make([]Result, len(entries))
	for i, e := range entries {
		ratios := make([]float64, len(speeds[i]))
		for round, s := range speeds[i] {
			ratios[round] = s / speeds[0][round]
		}
		out[i] = Result{Name: e.Name, Speed: QuartilesOf(speeds[i]), Ratio: QuartilesOf(ratios)}
	}
	return out
}
