package protocol

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/store"
)

// A read that was given up may be answered after all, into the same entry.
func TestEntryOfAFailedRead(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Dialer: faultnet.Refused})
	defer rdb.Close()
	s, err := store.New(rdb, codec.ShapeString, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	e := New(Config{Store: s, RedisTimeout: time.Minute})
	defer e.Close()
	e.entries.New = func() any { return &store.Entry{State: store.Absent} }
	f := e.readAll(t.Context(), time.Now().Add(time.Minute), jobs{{Key: "k"}})[0]
	if f.err == nil || f.entry.State != store.Absent {
		t.Errorf("a read of no server: %v, and the state of its entry was set to %v", f.err, f.entry.State)
	}
}
