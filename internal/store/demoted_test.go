package store_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// A demotion is two servers behind one address. The key "k" of the old one is "old", of the
// new one it is "new". What is asked about the key "stuck" is not answered before the end,
// about "slow" after a while.
type demotion struct {
	rdb      *redis.Client
	readOnly atomic.Bool // the old server must not write
	switched atomic.Bool // the address leads to the new one
	dials    atomic.Int64
}

func newDemotion(t *testing.T) *demotion {
	d := new(demotion)
	old, now := redistest.Mini(t), redistest.Mini(t)
	dialers := make(map[*redistest.Env]func(context.Context, string, string) (net.Conn, error))
	for env, value := range map[*redistest.Env]string{old: "old", now: "new"} {
		if err := env.Client.Set(t.Context(), "k", value, 0).Err(); err != nil {
			t.Fatal(err)
		}
		env.NewClient(t, func(o *redis.UniversalOptions) { dialers[env] = o.Dialer })
	}
	speak := make(chan struct{})
	old.Mini.Server().SetPreHook(func(p *server.Peer, command string, args ...string) bool {
		switch {
		case slices.Contains(args, "stuck"):
			<-speak
		case slices.Contains(args, "slow"):
			time.Sleep(time.Millisecond)
		}
		refuse := d.readOnly.Load() && slices.Contains([]string{"EVALSHA", "EVAL", "SET", "UNLINK"}, command)
		if refuse {
			p.WriteError("READONLY You can't write against a read only replica.")
		}
		return refuse
	})
	t.Cleanup(func() { close(speak) })
	d.rdb = old.NewClient(t, func(o *redis.UniversalOptions) {
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			d.dials.Add(1)
			if d.switched.Load() {
				return dialers[now](ctx, network, addr)
			}
			return dialers[old](ctx, network, addr)
		}
	}).(*redis.Client)
	return d
}

func (d *demotion) happen() {
	d.readOnly.Store(true)
	d.switched.Store(true)
}

func wantNew(t *testing.T, s *store.Store) {
	t.Helper()
	if got, _, err := read(t, s, "k"); got[""] != "new" || err != nil {
		t.Errorf("read %q, %v, and the master has %q", got, err, "new")
	}
}

// A connection that is in use when another meets the refusal goes when it is given back.
func TestDemotedMasterIsLeftByConnectionsInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDemotion(t)
		s := newStore(t, d.rdb, codec.ShapeString)
		conn := d.rdb.Conn()
		if err := conn.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(t, s, "k"); err != nil { // over another
			t.Fatal(err)
		}
		d.happen()
		if err := s.PutAbsent(t.Context(), deadline(), "other", time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		wantNew(t, s)
	})
}

// A read that shares a pipeline with a write that was refused is asked again.
func TestDemotedMasterIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDemotion(t)
		s := newStore(t, d.rdb, codec.ShapeString)
		s.ForTests().ManyInFlight()
		var callers sync.WaitGroup
		for range 2 { // so that there are two connections for pipelines
			callers.Go(func() {
				_, _ = d.rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error { return p.Get(t.Context(), "slow").Err() })
			})
		}
		callers.Wait()
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _ = s.Read(ctx, "stuck", new(store.Entry), time.Now())
		})
		synctest.Wait() // the next ones gather
		d.readOnly.Store(true)
		callers.Go(func() { wantNew(t, s) })
		callers.Go(func() {
			e := new(store.Entry)
			if err := s.Probe(t.Context(), deadline(), "k", e); err != nil {
				t.Error(err)
			}
			if got, _ := e.Wire.Sole(); string(got) != "new" {
				t.Errorf("polled %q", got)
			}
		})
		callers.Go(func() {
			if err := s.PutAbsent(t.Context(), deadline(), "other", time.Hour); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(100 * time.Microsecond) // less than until another pipeline begins
		d.switched.Store(true)
		callers.Wait()
	})
}

// Where all servers behind an address must not write, refusals do not have the connections
// closed again and again.
func TestReadOnlyServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDemotion(t)
		d.readOnly.Store(true)
		s := newStore(t, d.rdb, codec.ShapeString)
		began := time.Now()
		const writes = 50
		var closed int64
		for range writes {
			before := d.dials.Load()
			if err := s.PutAbsent(t.Context(), deadline(), "other", time.Hour); err == nil {
				t.Fatal("it was carried out")
			}
			if _, _, err := read(t, s, "k"); err != nil {
				t.Fatal(err)
			}
			closed += min(d.dials.Load()-before, 1)
		}
		if often := time.Since(began) / (100 * time.Millisecond); closed > int64(often)+1 {
			t.Errorf("in %v connections were closed %d times", time.Since(began), closed)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began = time.Now()
		_ = s.PutAbsent(ctx, deadline(), "other", time.Hour)
		if d := time.Since(began); d > time.Millisecond {
			t.Errorf("a caller whose deadline is in a millisecond waited %v", d)
		}
	})
}
