package main

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// connect returns a client for the Redis at url, or for one in this process, and
// what it is.
func connect(ctx context.Context, url string) (rdb *redis.Client, what string, stop func(), err error) {
	if url == "" {
		return embedded()
	}
	opt, err := redis.ParseURL(url)
	if err != nil {
		return nil, "", nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	rdb = redis.NewClient(opt)
	if err := rdb.Ping(ctx).Err(); err != nil {
		rdb.Close()
		return nil, "", nil, fmt.Errorf("the Redis at REDIS_URL, %s, does not answer: %w", opt.Addr, err)
	}
	return rdb, "the Redis at " + opt.Addr, func() { rdb.Close() }, nil
}

// embedded starts a Redis in this process and moves its clock, which stands still
// otherwise.
func embedded() (rdb *redis.Client, what string, stop func(), err error) {
	server, err := miniredis.Run()
	if err != nil {
		return nil, "", nil, err
	}
	const tick = 10 * time.Millisecond
	clock := time.NewTicker(tick)
	ended := make(chan struct{})
	go func() {
		last := time.Now()
		for {
			select {
			case now := <-clock.C:
				server.FastForward(now.Sub(last))
				last = now
			case <-ended:
				return
			}
		}
	}()
	rdb = redis.NewClient(&redis.Options{Addr: server.Addr()})
	stop = func() {
		clock.Stop()
		close(ended)
		rdb.Close()
		server.Close()
	}
	return rdb, "a Redis inside this process (REDIS_URL names another)", stop, nil
}
