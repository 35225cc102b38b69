package tracking

// NewEpoch returns an epoch without a connection, for tests, in which everything was heard up to
// a time.
func NewEpoch(confirmed int64) *Epoch {
	e := new(Epoch)
	e.Confirm(confirmed)
	return e
}

// Confirm says for a test that everything was heard up to a time.
func (e *Epoch) Confirm(now int64) { e.confirmed.Store(now) }

// End ends the epoch for a test.
func (e *Epoch) End() { e.ended.Store(true) }
