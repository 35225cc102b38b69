package store

import (
	"context"
	"math"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/resp"
)

// ReadTTLs makes every read ask for the remaining TTL as well, in the same round trip: of the
// value, or of the marker that stands for it. A Probe asks in a further round trip for that of an
// absence, and without probe leaves that of a string at 0. It has to be called before the store is
// used.
func (s *Store) ReadTTLs(probe bool) { s.ttls, s.probeTTLs = true, probe }

// ReadsTTLs reports whether ReadTTLs was called.
func (s *Store) ReadsTTLs() bool { return s.ttls }

// A pttlRead asks for the TTL of the key of an entry, again and again.
type pttlRead struct {
	command *redis.RawWriteToCmd
	reply   resp.Reply
	space   [32]byte // of the answer
}

func newPTTLRead(ctx context.Context, key any) *pttlRead {
	p := new(pttlRead)
	p.reply.Use(p.space[:])
	p.reply.Limit(len(p.space))
	p.command = redis.NewRawWriteToCmd(ctx, &p.reply, "pttl", key)
	return p
}

// pttlOf is what asks for the TTL of r.key.
func (s *Store) pttlOf(ctx context.Context, r *entryRead) *pttlRead {
	if s.KeepsCommands() { // as in readRaw
		r.pttl = newPTTLRead(ctx, r.key)
		return r.pttl
	}
	if r.pttl == nil {
		r.pttl = newPTTLRead(context.Background(), &r.key)
	}
	r.pttl.reply.Reset()
	return r.pttl
}

// readWithTTL sends a read of the key, and with it asks for the TTL. parse makes sense of the
// answer; again is the same read as a step, which is sent when that is to be repeated.
//
// The TTL is asked for first: a value that is written in between then has at least that.
func (s *Store) readWithTTL(
	ctx context.Context, key string, e *Entry, now time.Time,
	read *redis.RawWriteToCmd, again Step, parse func() (bool, error),
) (found bool, err error) {
	own := e.read()
	pttl := s.pttlOf(ctx, own)
	answered, err := s.RawAfter(ctx, key, pttl.command, read, &own.reply, now)
	switch {
	case err != nil:
		return false, err
	case answered:
		left, err := pttl.reply.Int()
		if err != nil {
			return false, err
		}
		e.TTL = remaining(left)
		return parse()
	}
	return client.Run(s.Context(ctx, now), s.Client, func(ctx context.Context) (bool, error) {
		errs, err := s.ReadSteps(ctx, again)
		if err == nil {
			err = errs[0]
		}
		return err == nil && e.State == Present, err
	})
}

// noKey is the answer to PTTL for a key that is not there.
const noKey = -2

// remaining is an answer to PTTL, as far as a Duration goes. A key that is gone, although its value
// was read, has reached the end of its TTL.
func remaining(ms int64) time.Duration {
	switch {
	case ms >= 0:
		return time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	case ms == -1:
		return Forever
	}
	return 0
}
