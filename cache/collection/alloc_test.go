package collection_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// What calls may allocate. The budgets are what is needed now, and a tenth more.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	rdb := redis.NewClient(&redis.Options{
		Protocol: 2, DisableIdentity: true,
		Dialer: func(context.Context, string, string) (net.Conn, error) { return &canned{}, nil },
	})
	t.Cleanup(func() { _ = rdb.Close() })
	l, s := newList(t, rdb, config("list")), newSet(t, rdb, config("set"))
	ctx := t.Context()
	for _, tt := range []struct {
		name   string
		budget float64
		call   func() error
	}{
		{"Len", 11, func() error { return second(l.Len(ctx, "k")) }},
		{"At", 12, func() error { _, _, err := l.At(ctx, "k", 0); return err }},
		{"Has", 12, func() error { return second(s.Has(ctx, "k", "a")) }},
		{"PushBack", 21, func() error { return second(l.PushBack(ctx, "k", "a")) }},
		{"Add", 21, func() error { return second(s.Add(ctx, "k", "a")) }},
	} {
		if err := tt.call(); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		allocs := testing.AllocsPerRun(1000, func() {
			if err := tt.call(); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %v allocations", tt.name, allocs)
		if allocs > tt.budget {
			t.Errorf("%s: %v allocations, the budget is %v", tt.name, allocs, tt.budget)
		}
	}
}

// canned is a connection to a server that answers each command with 1.
type canned struct{ pending []byte }

func (c *canned) Write(p []byte) (int, error) {
	c.pending = []byte("-ERR unknown command\r\n")
	for _, word := range []string{"llen", "lindex", "sismember", "evalsha"} {
		if bytes.Contains(p, []byte(word)) {
			c.pending = one
		}
	}
	return len(p), nil
}

var one = []byte(":1\r\n")

func (c *canned) Read(p []byte) (int, error) {
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

func (*canned) Close() error                     { return nil }
func (*canned) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*canned) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*canned) SetDeadline(time.Time) error      { return nil }
func (*canned) SetReadDeadline(time.Time) error  { return nil }
func (*canned) SetWriteDeadline(time.Time) error { return nil }
