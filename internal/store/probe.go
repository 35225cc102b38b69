package store

import (
	"context"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
)

// Probe is Inspect for callers that wait for the load of another process: it asks in the cheapest
// way there is, and may take a value of another Redis type for none.
func (s *Store) Probe(ctx context.Context, deadline time.Time, key string, e *Entry) error {
	if s.shape != codec.ShapeString || !s.Standalone() || s.control.Cause() != nil {
		return s.Inspect(ctx, deadline, key, e, false)
	}
	ctx, cancel := s.WithDeadline(ctx, deadline)
	defer cancel()
	err := s.probeString(ctx, key, e)
	if client.RefusesKey(err) || err == nil && s.needsTTL(e) {
		return s.Inspect(ctx, deadline, key, e, false)
	}
	return err
}

// needsTTL reports whether to ask for the TTL of what a Probe has found.
func (s *Store) needsTTL(e *Entry) bool {
	return s.probeTTLs && e.State == Present || s.ttls && e.State == Absent
}

// probeString is one command, which cannot be used while a cluster keeps the two keys
// apart.
func (s *Store) probeString(ctx context.Context, key string, e *Entry) error {
	e.Wire.Reset(key)
	e.State, e.TTL, e.Leased = Missing, 0, false
	answer, err := s.ReadReply(ctx, "mget", key, s.family.Control(key))
	if err != nil {
		return err
	}
	both, err := answer.Strings(2)
	if err != nil {
		return err
	}
	value, held := both[0], both[1]
	var marker string
	marker, e.Leased = parseControl(string(held))
	switch {
	case value != nil:
		e.State = Present
		e.Wire.Add(nil, value)
	case marker == markerAbsent:
		e.State = Absent
	}
	return nil
}
