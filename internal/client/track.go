package client

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// A sent is commands that were sent by a goroutine whose caller may leave. What is answered
// later than that counts as not answered.
type sent struct {
	x     *executor
	to    Conn
	cmds  []redis.Cmder
	began time.Time
}

type slotKey struct{}

// in returns ctx for what runs in the slot.
func (t *callSlot) in(ctx context.Context) context.Context {
	if b, ok := ctx.(*deadlineContext); ok { // which it has to stay
		own := *b
		own.Context = context.WithValue(b.Context, slotKey{}, t)
		return &own
	}
	return context.WithValue(ctx, slotKey{}, t)
}

// tracked calls send, which sends commands, and then record, unless the caller has left by
// then: that is when it is recorded what it has waited for.
func (x *executor) tracked(
	ctx context.Context, to Conn, cmds []redis.Cmder, began time.Time, send, record func(),
) {
	t, _ := ctx.Value(slotKey{}).(*callSlot)
	if t == nil {
		send()
		record()
		return
	}
	s := &sent{x, to, cmds, began}
	t.of.mu.Lock()
	t.sent = append(t.sent, s)
	t.of.mu.Unlock()
	send()
	t.of.mu.Lock()
	t.sent = slices.DeleteFunc(t.sent, func(other *sent) bool { return other == s })
	left := t.abandoned
	t.of.mu.Unlock()
	if !left {
		record()
	}
}

// abandoned records that the caller has left.
func (s *sent) abandoned(err error) {
	misses := make(map[string]miss) // by server
	for _, cmd := range s.cmds {
		if server, ok := s.x.serverOf(s.to, cmd); ok {
			key, _ := keyOf(cmd)
			misses[server] = miss{
				key: key, err: err, began: s.began, outcome: outcomeOf(err),
				silent: misses[server].silent + 1,
			}
		}
	}
	for server, m := range misses {
		if len(misses) > 1 {
			m.shared, m.silent = true, 1
		}
		s.x.breakers.note(s.x, server, m)
	}
}
