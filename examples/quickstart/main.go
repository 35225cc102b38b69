// Quickstart tells in the terminal what a cache does, with figures measured in
// this very run. It needs nothing installed: without REDIS_URL it brings a small
// Redis of its own, in this process.
//
//	go run ./examples/quickstart
//	REDIS_URL=redis://localhost:6379 go run ./examples/quickstart
//
// REDIS_URL may be redis://, rediss:// (TLS) or unix://, with user and password. If
// it cannot be used, the program says why and tells its story on its own Redis.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(context.Background(), os.Stdout, os.Getenv("REDIS_URL")); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, url string) error {
	rdb, what, stop, err := connect(ctx, out, url)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(out, "aside, on %s\n", what)
	s, err := newStory(rdb, out)
	if err != nil {
		return err
	}
	defer s.end(ctx)
	return s.tell(ctx)
}
