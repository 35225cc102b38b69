package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/asidecache/aside/examples/service/app"
	"github.com/asidecache/aside/examples/service/demo"
)

// runDemo is run with what package demo starts, and a page. It is not to be copied.
func runDemo(ctx context.Context, s settings, log *slog.Logger, in io.Reader, out io.Writer) error {
	second := s.demo == "instance"
	d, parts, err := demo.Open(ctx, demo.Config{
		Database: s.database, Redis: s.redis, Instance: second, Log: log,
	})
	if err != nil {
		return err
	}
	defer d.Close()
	a, err := app.New(parts)
	if err != nil {
		return err
	}
	if second { // which ends with the page
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() { _, _ = io.Copy(io.Discard, in); end() }()
	}
	started := func(base string) {
		fmt.Fprintln(out, demo.Listening+base)
		if !second {
			fmt.Fprintf(out, "\n\tthe page is at %s/demo/\n\n", base)
		}
		d.Start(base)
	}
	return server{
		settings: s, app: a, handler: d.Handler(a), log: log, started: started, stop: d.Stop,
	}.serve(ctx)
}
