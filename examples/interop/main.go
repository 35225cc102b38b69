// Interop shows a Go and a Python program on the same cached values: strings, numbers,
// hashes, lists, sets and sorted sets, in both directions, and how Python tells the
// cache of a change. It needs a Redis that it may write to, and Python 3 with redis-py
// (Debian's package python3-redis):
//
//	go run ./examples/interop localhost:6379
//
// The Python program is interop.py.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/redis/go-redis/v9"
)

func main() {
	addr := "localhost:6379"
	if len(os.Args) > 1 {
		addr = os.Args[1]
	}
	if err := run(context.Background(), os.Stdout, "python3", addr); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, python, addr string) error {
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer rdb.Close()
	c, err := newCaches(rdb)
	if err != nil {
		return err
	}
	defer c.close()
	src := source{out}
	for _, step := range []struct {
		heading string
		do      func() error
	}{
		{"Go caches, Python reads:", func() error {
			if err := c.print(ctx, io.Discard, 1, src); err != nil {
				return err
			}
			return runPython(ctx, out, python, addr, "read")
		}},
		{"Python writes, Go reads:", func() error {
			if err := runPython(ctx, out, python, addr, "write"); err != nil {
				return err
			}
			return c.print(ctx, out, 2, src)
		}},
		{"Go knows two users, Python tells of a change, Go asks again:", func() error {
			if err := c.printUsers(ctx, out, src); err != nil {
				return err
			}
			if err := runPython(ctx, out, python, addr, "invalidate"); err != nil {
				return err
			}
			return c.printUsers(ctx, out, src)
		}},
	} {
		fmt.Fprintln(out, step.heading)
		if err := step.do(); err != nil {
			return err
		}
	}
	return nil
}
