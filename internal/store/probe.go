package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

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
	answered, err := s.probeString(ctx, key, e)
	switch {
	case client.RefusesKey(err), err == nil && !answered, err == nil && s.ttls && e.State == Absent:
		return s.Inspect(ctx, deadline, key, e, false) // which knows the TTL of an absence as well
	}
	return err
}

// probeString is one command, which cannot be used while a cluster keeps the two keys
// apart, and where it matters that for the TTL of the value. It reports false when go-redis would
// have repeated a command.
func (s *Store) probeString(ctx context.Context, key string, e *Entry) (answered bool, err error) {
	e.Wire.Reset(key)
	r := e.read()
	r.key = key
	e.State, e.TTL, e.Leased = Missing, 0, false
	answer := &r.reply
	if s.probeTTLs {
		mget := redis.NewRawWriteToCmd(ctx, answer, "mget", key, s.family.Control(key))
		pttl := s.pttlOf(ctx, r)
		answered, err = s.RawAfter(ctx, key, pttl.command, mget, answer, time.Now())
		if err != nil || !answered {
			return false, err
		}
		left, err := pttl.reply.Int()
		if err != nil {
			return false, err
		}
		e.TTL = remaining(left)
	} else if answer, err = s.ReadReply(ctx, "mget", key, s.family.Control(key)); err != nil {
		return false, err
	}
	both, err := answer.Strings(2)
	if err != nil {
		return false, err
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
	return true, nil
}
