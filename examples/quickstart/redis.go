package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// connect returns a client for the Redis at address, or for one in this process,
// and what it is. A Redis that a cache cannot work with is told of, and the story
// goes on with the one in this process.
func connect(ctx context.Context, out io.Writer, address string) (rdb *redis.Client, what string, stop func(), err error) {
	if address == "" {
		return embedded()
	}
	opt, err := redis.ParseURL(address)
	if err == nil {
		err = usable(ctx, opt)
	}
	if err != nil {
		fmt.Fprintf(out, "REDIS_URL cannot be used: %s.\nSo this is told without it.\n\n", explain(opt, err))
		return embedded()
	}
	rdb = redis.NewClient(opt)
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
