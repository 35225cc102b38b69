package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/resp"
)

const (
	scanCount  = 1000
	scanAnswer = 64 << 20 // bytes, so that no server makes the program take more
)

// masters calls f for each master, on a cluster for several at one time.
func (a *app) masters(ctx context.Context, f func(context.Context, *redis.Client) error) error {
	switch rdb := a.rdb.(type) {
	case *redis.ClusterClient:
		return rdb.ForEachMaster(ctx, f)
	case *redis.Client:
		return f(ctx, rdb)
	}
	return fmt.Errorf("a %T has no masters", a.rdb)
}

// scan calls f for all keys of all masters that match, one call at a time. A key may come twice.
func (a *app) scan(ctx context.Context, match glob, f func(keys []string) error) error {
	var turn sync.Mutex
	return a.masters(ctx, func(ctx context.Context, master *redis.Client) error {
		cursor := "0"
		for {
			next, keys, err := a.scanOnce(ctx, master, cursor, match)
			if err != nil {
				return fmt.Errorf("SCAN: %w", a.plain(err))
			}
			turn.Lock()
			err = f(keys)
			turn.Unlock()
			if err != nil || next == "0" {
				return err
			}
			cursor = next
		}
	})
}

// scanOnce sends one SCAN.
func (a *app) scanOnce(
	ctx context.Context, master *redis.Client, cursor string, match glob,
) (next string, keys []string, err error) {
	args := []any{"scan", cursor, "count", scanCount}
	if match != "*" {
		args = append(args, "match", string(match))
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	cmd := client.NewBounded(ctx, scanAnswer, args...)
	if err := master.Process(ctx, cmd); err != nil {
		return "", nil, err
	}
	parts, err := cmd.Reply().Flatten(nil)
	if err != nil {
		return "", nil, err
	}
	if len(parts) == 0 {
		return "", nil, resp.ErrBroken
	}
	keys = make([]string, len(parts)-1)
	for i, part := range parts[1:] {
		keys[i] = string(part)
	}
	return string(parts[0]), keys, nil
}

// plain returns an error as it is to be printed.
func (a *app) plain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("redis does not answer within %v", a.timeout.Round(time.Millisecond))
	}
	return client.Redact(err)
}
