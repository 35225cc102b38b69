package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
)

// How many keys are asked for at once: none may keep the server, or callers that wait behind
// it, busy for long.
const (
	firstChunk = OneTrip // keys
	chunkBytes = 4 << 20 // bytes, going by the size of the values so far
)

// OneTrip is for how many keys an operation takes one round trip; more may take several, each of
// which is waited for anew.
const OneTrip = 256

// ReadAll is Read for many keys, in one round trip, or a few where the keys are many or
// their values large. What it finds is told by the entries' states, and an error for each;
// where values are strings and the client no cluster's, a key of another type is none.
func (s *Store) ReadAll(
	ctx context.Context, deadline time.Time, keys []string, entries []*Entry,
) []error {
	ask := s.readEach
	switch {
	case s.ttls:
		ask = s.readEachWithTTL
	case s.multiString():
		ask = s.readStrings
	}
	return s.inChunks(ctx, deadline, keys, entries, ask)
}

// ProbeAll is Probe for many keys, in the round trips of ReadAll.
func (s *Store) ProbeAll(
	ctx context.Context, deadline time.Time, keys []string, entries []*Entry,
) []error {
	if len(keys) == 1 {
		return []error{s.Probe(ctx, deadline, keys[0], entries[0])}
	}
	ask := s.inspectEach
	if s.ProbesStrings() {
		ask = s.probeStrings
	}
	return s.inChunks(ctx, deadline, keys, entries, ask)
}

// ProbesStrings reports whether ProbeAll asks for many keys by one command.
func (s *Store) ProbesStrings() bool { return s.multiString() && !s.ttls }

func (s *Store) multiString() bool { return s.MultiKey() && s.shape == codec.ShapeString }

// An askFunc asks for keys and returns an error for each, nil for none, or one for all.
type askFunc func(ctx context.Context, keys []string, entries []*Entry) ([]error, error)

func (s *Store) inChunks(
	ctx context.Context, deadline time.Time, keys []string, entries []*Entry, ask askFunc,
) []error {
	errs := make([]error, len(keys))
	size := firstChunk
	asked, received := 0, 0
	for asked < len(keys) {
		to := min(asked+size, len(keys))
		part, into := keys[asked:to], entries[asked:to]
		for i, e := range into {
			e.Wire.Reset(part[i])
			e.State, e.TTL, e.Leased = Missing, 0, false
			e.forgetAnswer()
		}
		answered, err := client.RunUntil(ctx, s.Client, deadline, func(ctx context.Context) ([]error, error) { return ask(ctx, part, into) })
		if err != nil {
			for i := range part {
				errs[asked+i] = err
			}
		} else {
			copy(errs[asked:], answered)
			s.RecordLosses(answered)
			for _, e := range into {
				received += e.bytes()
			}
		}
		asked = to
		deadline = s.NextTrip(deadline, err)
		fit := int64(chunkBytes) * int64(asked) / int64(max(received, 1))
		size = int(min(max(fit, 1), client.CallsPerTrip))
	}
	return errs
}

// FreeAnswers gives up the memory of answers to ReadAll or ProbeAll, which the Wires of all their
// entries alias: nothing may use these any more. The errors are those that it has returned: after
// one an entry may still be in use.
func FreeAnswers(entries []*Entry, errs []error) {
	for i, e := range entries {
		if errs[i] != nil {
			continue
		}
		if r := e.own; r != nil && r.answer != nil {
			r.answer.Trim(0)
		}
		e.forgetAnswer()
	}
}

// bytes returns the size of what the entry holds.
func (e *Entry) bytes() (n int) {
	for i := range e.Wire.Len() {
		n += len(e.Wire.Name(i)) + len(e.Wire.Value(i))
	}
	return n
}

// readStrings asks by one command.
func (s *Store) readStrings(ctx context.Context, keys []string, entries []*Entry) ([]error, error) {
	args := make([]any, 1, 1+len(keys))
	args[0] = "mget"
	for i := range keys {
		args = append(args, s.keyArg(&keys[i]))
	}
	answer, values, err := s.ReadStrings(ctx, args)
	if s.IsCrossSlot(err) {
		return s.readEach(ctx, keys, entries)
	}
	if err != nil {
		return nil, err
	}
	entries[0].read().answer = answer
	for i, e := range entries {
		if values[i] != nil {
			e.State = Present
			e.Wire.Add(nil, values[i])
		}
	}
	return nil, nil
}

// keyArg returns the argument of a command that is a key, which stays as it is. It needs memory
// only where hooks expect a string.
func (s *Store) keyArg(key *string) any {
	if s.KeepsCommands() {
		return *key
	}
	return key
}

// probeStrings asks by one command, as probeString does.
func (s *Store) probeStrings(
	ctx context.Context, keys []string, entries []*Entry,
) ([]error, error) {
	args := make([]any, 1, 1+2*len(keys))
	args[0] = "mget"
	controls := make([]string, len(keys))
	for i, key := range keys {
		controls[i] = s.family.Control(key)
		args = append(args, s.keyArg(&keys[i]), s.keyArg(&controls[i]))
	}
	answer, values, err := s.ReadStrings(ctx, args)
	if s.IsCrossSlot(err) || client.RefusesKey(err) {
		return s.inspectEach(ctx, keys, entries)
	}
	if err != nil {
		return nil, err
	}
	entries[0].read().answer = answer
	for i, e := range entries {
		value, held := values[2*i], values[2*i+1]
		var marker string
		marker, e.Leased = parseControl(string(held))
		switch {
		case value != nil:
			e.State = Present
			e.Wire.Add(nil, value)
		case marker == markerAbsent:
			e.State = Absent
		}
	}
	return nil, nil
}

// readEach asks by a command for each key. What go-redis would not repeat is asked once more,
// see client.Client.Raw.
func (s *Store) readEach(ctx context.Context, keys []string, entries []*Entry) ([]error, error) {
	errs := make([]error, len(keys))
	cmds := make([]redis.Cmder, len(keys))
	for i, key := range keys {
		reply := &entries[i].read().reply
		reply.Reset()
		cmds[i] = redis.NewRawWriteToCmd(ctx, reply, s.readArgs(nil, key)...)
	}
	if err := client.PipelineError(cmds, s.Pipeline(ctx, s.Redis(), cmds)); err != nil {
		return nil, err
	}
	var again []int
	for i, cmd := range cmds {
		switch err := cmd.Err(); {
		case err == nil:
			e := entries[i]
			errs[i] = e.take(e.read().reply.ParseValue(&e.Wire, s.shape))
		case client.IsWrongType(err):
			errs[i] = ErrWrongType
		case client.MayRepeat(err):
			again = append(again, i)
		default:
			errs[i] = err
		}
	}
	if len(again) == 0 {
		return errs, nil
	}
	steps := make([]client.Step, len(again))
	for n, i := range again {
		steps[n] = s.InspectStep(keys[i], entries[i], false, false)
	}
	found, err := s.ReadSteps(ctx, steps...)
	for n, i := range again {
		if err == nil {
			errs[i] = found[n]
		}
	}
	return errs, err
}

// take records what a read has found.
func (e *Entry) take(found bool, err error) error {
	if found {
		e.State = Present
	}
	return err
}

// readEachWithTTL asks for value and TTL of each key.
func (s *Store) readEachWithTTL(
	ctx context.Context, keys []string, entries []*Entry,
) ([]error, error) {
	return s.inspectAll(ctx, keys, entries, false)
}

// inspectEach asks for value and control key of each key.
func (s *Store) inspectEach(ctx context.Context, keys []string, entries []*Entry) ([]error, error) {
	return s.inspectAll(ctx, keys, entries, true)
}

func (s *Store) inspectAll(
	ctx context.Context, keys []string, entries []*Entry, markers bool,
) ([]error, error) {
	steps := make([]client.Step, len(keys))
	for i, key := range keys {
		steps[i] = s.InspectStep(key, entries[i], markers, false)
	}
	return s.ReadSteps(ctx, steps...)
}
