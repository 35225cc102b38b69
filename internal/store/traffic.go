package store

import "sync/atomic"

// traffic decides how commands are sent: while few are in flight each has a connection
// of the client's pool to itself, which takes the least time for one; while many are,
// they share pipelines, which take the least time for all.
type traffic struct {
	alone    bool // never share; set before the store is used
	inFlight atomic.Int32
	dense    atomic.Bool
}

// Sharing pays from about ten callers on. The distance keeps traffic that varies from
// changing ways all the time, with connections of both in use.
const (
	denseAbove = 12
	sparseAt   = 5
)

// enter counts a command that is about to be sent, until leave, and reports whether it is
// to share a pipeline.
func (t *traffic) enter() (share bool) {
	if t.alone {
		return false
	}
	n := t.inFlight.Add(1)
	share = t.dense.Load()
	switch {
	case share && n <= sparseAt:
		share = false
		t.dense.Store(false)
	case !share && n > denseAbove:
		share = true
		t.dense.Store(true)
	}
	return share
}

// SendAlone makes the store send each command by itself. It has to be called before the
// store is used.
func (s *Store) SendAlone() { s.traffic.alone = true }

func (t *traffic) leave() {
	if !t.alone {
		t.inFlight.Add(-1)
	}
}
