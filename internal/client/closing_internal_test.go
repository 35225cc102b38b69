package client

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
)

// All connections go: the idle ones of both pools at NotRetryable, by what go-redis has for it or
// else one by one, and those in use when they are given back.
func TestConnectionsAreClosed(t *testing.T) {
	for name, closeThem := range map[string]func(*redis.Client) bool{
		"retire":    retire,
		"closeIdle": func(rdb *redis.Client) bool { closeIdle(t.Context(), rdb); return true },
	} {
		t.Run(name, func(t *testing.T) {
			for _, piped := range []int{0, -1} {
				rdb := redistest.Mini(t).NewClient(t, func(o *redis.UniversalOptions) { o.PipelinePoolSize = piped }).(*redis.Client)
				conn := rdb.Conn()
				if err := conn.Ping(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				if err := rdb.Ping(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				if _, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error { return p.Ping(t.Context()).Err() }); err != nil {
					t.Fatal(err)
				}
				if !closeThem(rdb) {
					t.Fatal("go-redis does not look as expected")
				}
				stats := rdb.PoolStats()
				if n := stats.TotalConns; n != 1 {
					t.Errorf("there are %d connections besides the one in use", int(n)-1)
				}
				if p := stats.PipelineStats; p != nil && p.TotalConns != 0 {
					t.Errorf("there are %d connections of pipelines", p.TotalConns)
				}
				if name != "retire" {
					continue
				}
				err := conn.Ping(t.Context()).Err() // it is still carried out
				if err == nil {
					err = conn.Ping(t.Context()).Err()
				}
				if !IsConnectionLost(err) {
					t.Errorf("who holds a connection is told %v", err)
				}
				_ = conn.Close()
				if n := rdb.PoolStats().TotalConns; n != 0 {
					t.Errorf("the one that was in use is still there")
				}
			}
		})
	}
}

// A client that go-redis lets dial no more, after many failures, dials again.
func TestDialsAreAllowed(t *testing.T) {
	var network faultnet.Network
	rdb := redistest.Mini(t).NewClient(t, network.Through, func(o *redis.UniversalOptions) {
		o.PoolSize, o.PipelinePoolSize, o.DialerRetries, o.MaxRetries = 2, 2, 1, -1
	}).(*redis.Client)
	get := func() error { return rdb.Get(t.Context(), "k").Err() }
	piped := func() error {
		_, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error { return p.Get(t.Context(), "k").Err() })
		return err
	}
	network.Refuse(true)
	for range 5 {
		_, _ = get(), piped()
	}
	network.Refuse(false)
	before := network.Dials() // of go-redis, once a second
	if !allowDials(rdb) {
		t.Fatal("go-redis does not look as expected")
	}
	if get, piped := get(), piped(); get != redis.Nil || piped != redis.Nil || network.Dials() == before {
		t.Errorf("the server is back: %v, %v", get, piped)
	}
}
