package harness

import "time"

// A Meter tells how much processor time a process has used so far.
type Meter func() (time.Duration, error)

// Metered returns a turn that takes the time which a meter counts, and not the time of the
// clock: the speeds of such turns are operations for a second of a processor.
func Metered(turn Turn, meter Meter) Turn {
	return func(d time.Duration) (int, time.Duration, error) {
		before, err := meter()
		if err != nil {
			return 0, 0, err
		}
		ops, _, err := turn(d)
		if err != nil {
			return 0, 0, err
		}
		after, err := meter()
		return ops, after - before, err
	}
}
