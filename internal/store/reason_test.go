package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// writes are those that send a value.
var writes = map[string]func(*store.Store, context.Context, time.Time, *store.Entry) error{
	"Put": func(s *store.Store, ctx context.Context, deadline time.Time, e *store.Entry) error {
		return s.Put(ctx, deadline, "k", e, time.Minute)
	},
	"PutIfAbsent": func(s *store.Store, ctx context.Context, deadline time.Time, e *store.Entry) error {
		_, err := s.PutIfAbsent(ctx, deadline, "k", e, time.Minute)
		return err
	},
}

// A server whose administrator has renamed a command answers it with its arguments.
func TestErrorsDoNotRepeatTheValue(t *testing.T) {
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			err := refusedWrite(t, write, "ERR unknown command 'set', with args beginning with: 'k' 'secret' ")
			if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "unknown command 'set'") {
				t.Errorf("error %v, want the name of the command and not the value", err)
			}
		})
	}
}

// Redis says of a transaction only that it was discarded: the reason it gave to the
// command that it has refused.
func TestErrorsTellTheReason(t *testing.T) {
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			err := refusedWrite(t, write, "OOM command not allowed when used memory > 'maxmemory'.")
			if err == nil || !strings.HasPrefix(err.Error(), "OOM ") {
				t.Errorf("error %v, want the one of the command", err)
			}
		})
	}
}

// refusedWrite writes to a server that answers commands which write with an error.
func refusedWrite(t *testing.T, write func(*store.Store, context.Context, time.Time, *store.Entry) error, answer string) error {
	env := redistest.Mini(t)
	s, err := store.New(env.Client, codec.ShapeString, longTimeout)
	if err != nil {
		t.Fatal(err)
	}
	if err := env.Client.Ping(t.Context()).Err(); err != nil { // there is no server before the first connection
		t.Fatal(err)
	}
	refused := false
	env.Mini.Server().SetPreHook(func(c *server.Peer, command string, _ ...string) bool {
		switch {
		case command == "SET", command == "EVALSHA":
			refused = command == "SET"
			c.WriteError(answer)
			return true
		case command == "EXEC" && refused:
			refused = false
			c.WriteError("EXECABORT Transaction discarded because of previous errors.")
			return true
		}
		return false
	})
	var e store.Entry
	e.Wire.Reset("k")
	e.Wire.Add(nil, []byte("secret"))
	return write(s, t.Context(), deadline(), &e)
}
