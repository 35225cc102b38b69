package store_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// Leases that are asked for together are each as if asked for alone: one for the place of a value
// is refused where there is one, unless it is to be replaced, and only the store of a write removes
// the values of other versions.
func TestManyLeasesOfSeveralKinds(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		b.env.FlushAll(t)
		b.store = newStore(t, b.env.Client, b.shape)
		family := rediskey.NewFamily("user", 2)
		b.store.SetFamily(family)
		before := rediskey.NewFamily("user", 1)
		var asks []store.Ask
		var wants []store.Status
		for i := range 8 {
			ask, want := store.Ask{Key: family.KeyOf(fmt.Sprint(i)), Replace: i&1 > 0, AsWrite: i&2 > 0}, store.Granted
			if there := i&4 > 0; there {
				if err := b.store.Put(t.Context(), deadline(), ask.Key, entry(ask.Key, b.value("old")), time.Hour); err != nil {
					t.Fatal(err)
				}
				if !ask.Replace {
					want = store.HasValue
				}
			}
			b.do(t, "SET", before.KeyOf(fmt.Sprint(i)), "v")
			asks, wants = append(asks, ask), append(wants, want)
		}
		b.store.AcquireAll(t.Context(), deadline(), asks, leaseLife)
		var granted []int
		var commits []store.Commit
		for i, ask := range asks {
			if ask.Err != nil || ask.Answer.Status != wants[i] {
				t.Fatalf("%+v: status %v, want %v", ask, ask.Answer.Status, wants[i])
			}
			if wants[i] == store.Granted {
				granted = append(granted, i)
				commits = append(commits, store.Commit{
					Committer: ask.Answer.Lease, State: store.Present, Entry: entry(ask.Key, b.value("new")), TTL: time.Hour,
				})
			}
		}
		b.store.CommitAll(t.Context(), deadline(), commits)
		for n, c := range commits {
			i := granted[n]
			if c.Err != nil || !c.Stored {
				t.Errorf("%+v: stored %v, %v", asks[i], c.Stored, c.Err)
			}
			left := b.env.Client.Exists(t.Context(), before.KeyOf(fmt.Sprint(i))).Val() > 0
			if left == asks[i].AsWrite {
				t.Errorf("%+v: the value of the version before is left: %v", asks[i], left)
			}
		}
	})
}

// What a second attempt is granted, after the answer to the first was lost, can be stored, each
// value for its own TTL.
func TestManyLeasesOfASecondAttempt(t *testing.T) {
	env := redistest.Mini(t)
	rdb := env.NewClient(t)
	lose := false
	rdb.AddHook(hook{pipeline: func(ctx context.Context, cmds []redis.Cmder) error {
		_, err := env.Client.Pipelined(ctx, func(p redis.Pipeliner) error { return p.BatchProcess(ctx, cmds...) })
		if !lose {
			return err
		}
		lose = false
		for _, cmd := range cmds {
			cmd.SetErr(io.EOF)
		}
		return io.EOF
	}})
	s := newStore(t, rdb, codec.ShapeString)
	keys := numbered(3)
	s.ReleaseAll(t.Context(), deadline(), acquireAll(t, s, keys)) // the server learns the scripts
	lose = true
	var commits []store.Commit
	for i, l := range acquireAll(t, s, keys) {
		commits = append(commits, store.Commit{
			Committer: l, State: store.Present, Entry: entry(l.Key(), text("v")), TTL: time.Duration(1+i) * time.Hour,
		})
	}
	if lose {
		t.Fatal("nothing was lost")
	}
	s.CommitAll(t.Context(), deadline(), commits)
	for i, c := range commits {
		if ttl := env.Mini.TTL(keys[i]).Round(time.Minute); !c.Stored || c.Err != nil || ttl != c.TTL {
			t.Errorf("%s: stored %v, %v, for %v, want %v", keys[i], c.Stored, c.Err, ttl, c.TTL)
		}
	}
}

// A lease that is granted by a second attempt keeps nothing of the answer to the first, which could
// not be read.
func TestManyLeasesAfterABrokenAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var server redistest.Fake
		asked := 0
		server.Answer = func(command []string) io.Reader {
			if !strings.EqualFold(command[0], "evalsha") {
				return strings.NewReader("+OK\r\n")
			}
			if asked++; asked > 1 {
				return strings.NewReader("*2\r\n:1\r\n:1\r\n")
			}
			const granted = "*7\r\n$7\r\ngranted\r\n:5\r\n$1\r\n5\r\n$0\r\n\r\n$0\r\n\r\n:0\r\n:0\r\n" // the expiry is no text
			return strings.NewReader("*2\r\n" + granted + granted)
		}
		rdb := server.Client(t, 3, false)
		s := newStore(t, rdb, codec.ShapeString)
		for _, l := range acquireAll(t, s, numbered(2)) {
			if l.HadValue() {
				t.Errorf("%s: the lease says that there was a value", l.Key())
			}
		}
		if asked != 2 {
			t.Errorf("asked %d times, want twice", asked)
		}
		s.Close()
		_ = rdb.Close()
	})
}
