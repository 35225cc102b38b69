package store

// Crowd makes the store send its commands as it does while many are in flight.
func (s *Store) Crowd() { s.traffic.inFlight.Add(2 * denseAbove) }

// MaxLanes is how many shared pipelines can be under way.
const MaxLanes = maxLanes
