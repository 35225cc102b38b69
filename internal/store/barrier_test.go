package store_test

import (
	"cmp"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// confirming is a hook that says that one replica has everything, and counts the writes that
// are made for WAIT alone.
type confirming struct {
	barriers, waits int
	prefix          string // of the keys that they write, see rediskey.ControlPrefix
	lose            bool   // the connection of the next WAIT breaks
}

func (*confirming) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *confirming) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		switch cmd.Name() {
		case "wait":
			c.waits++
			if c.lose {
				c.lose = false
				cmd.SetErr(io.EOF)
				return io.EOF
			}
			cmd.Args()[0] = "rpush" // which answers with a number, of 1 or more
		case "set":
			if strings.HasPrefix(cmd.Args()[1].(string), cmp.Or(c.prefix, rediskey.ControlPrefix)) {
				c.barriers++
			}
		}
		return next(ctx, cmd)
	}
}

func (*confirming) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// A write that waits for replicas and has changed nothing leaves something that WAIT waits
// for; one that has changed something needs no more.
func TestWriteBarrier(t *testing.T) {
	confirm := new(confirming)
	rdb := redistest.Mini(t).NewClient(t)
	rdb.AddHook(confirm)
	s := newStore(t, rdb, codec.ShapeString)
	if err := s.WaitForReplicas(1); err != nil {
		t.Fatal(err)
	}
	put := func(key string) error {
		return s.Put(t.Context(), deadline(), key, entry(key, text("v")), time.Hour)
	}
	remove := func(keys ...string) error {
		for _, err := range s.Delete(t.Context(), deadline(), keys) {
			return err
		}
		return nil
	}
	putIfAbsent := func() error {
		_, err := s.PutIfAbsent(t.Context(), deadline(), "once", entry("once", text("v")), time.Hour)
		return err
	}
	for _, tt := range []struct {
		name     string
		write    func() error
		barriers int
	}{
		{"Put", func() error { return put("k") }, 0},
		{"Delete of a value", func() error { return remove("k") }, 0},
		{"Delete of nothing", func() error { return remove("k") }, 1},
		{"Delete of nothing, many", func() error { return remove("k", "l", "m") }, 1},
		{"Put once more", func() error { return put("l") }, 0},
		{"Delete of one value of three", func() error { return remove("k", "l", "m") }, 0},
		{"PutIfAbsent", putIfAbsent, 0},
		{"PutIfAbsent in vain", putIfAbsent, 1},
		{"steps, one of which changes something", func() error {
			steps := []store.Step{s.DeleteStep("none"), s.PutAbsentStep("k", time.Hour)}
			for _, err := range s.DoAll(t.Context(), time.Now(), steps, false, 1) {
				if err != nil {
					return err
				}
			}
			return nil
		}, 0},
	} {
		*confirm = confirming{}
		if err := tt.write(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if confirm.barriers != tt.barriers || confirm.waits != 1 {
			t.Errorf("%s: %d writes for WAIT, want %d; %d WAIT", tt.name, confirm.barriers, tt.barriers, confirm.waits)
		}
	}
}

// A delete that is sent again over another connection has changed nothing there, whatever it has
// changed before: WAIT knows nothing of that.
func TestWriteBarrierOfARepetition(t *testing.T) {
	confirm := &confirming{lose: true}
	rdb := redistest.Mini(t).NewClient(t)
	rdb.AddHook(confirm)
	s := newStore(t, rdb, codec.ShapeString)
	if err := s.WaitForReplicas(1); err != nil {
		t.Fatal(err)
	}
	if err := rdb.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if failed := s.Delete(t.Context(), deadline(), []string{"k"}); failed != nil {
		t.Error(failed)
	}
	if confirm.barriers != 1 || confirm.waits != 2 {
		t.Errorf("%d writes for WAIT, want 1; %d WAIT, want 2", confirm.barriers, confirm.waits)
	}
}

// Deletes that are delivered later write for WAIT behind the prefix of their own control keys, and
// wait for as many replicas as those of their store.
func TestRedeliverBehindTheControlPrefix(t *testing.T) {
	confirm := &confirming{prefix: "tenant:"}
	rdb := redistest.Mini(t).NewClient(t)
	rdb.AddHook(confirm)
	plain, tenant := newStore(t, rdb, codec.ShapeString), newStore(t, rdb, codec.ShapeString)
	if err := tenant.WaitForReplicas(1); err != nil {
		t.Fatal(err)
	}
	family := rediskey.NewFamily("test", 0)
	family.SetPrefix("tenant:")
	tenant.SetFamily(family)
	var told sync.WaitGroup
	told.Add(2)
	tell := func(store.Delivery) { told.Done() }
	plain.Redeliver("test:p", store.FailedWrite{Cause: io.EOF, Lasts: time.Hour, Tell: tell})
	tenant.Redeliver("test:t", store.FailedWrite{Cause: io.EOF, Lasts: time.Hour, Tell: tell})
	told.Wait()
	if confirm.barriers != 1 || confirm.waits != 1 {
		t.Errorf("%d writes for WAIT behind the prefix, %d WAIT, want one of each", confirm.barriers, confirm.waits)
	}
}
