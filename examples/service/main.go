// Service is a small HTTP service that reads its database by aside: users, their orders, and a
// leaderboard. It is to be copied; README.md says what to read in which order.
//
//	go run .                                  # brings all along, and prints the address of a page
//	DATABASE_URL=postgres://user@host/name REDIS_URL=redis://host:6379 go run . -demo off
//
// With -demo off it is the service alone. Otherwise package demo shows it at work: what is missing
// of a database and a Redis is started, and a page shows what the service does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/asidecache/aside/examples/service/app"
	"github.com/asidecache/aside/examples/service/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

// settings are what the command line and the environment say.
type settings struct {
	addr     string
	demo     string
	drain    time.Duration
	database string
	redis    string
}

func parse(args []string, errs io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:0", "where to listen; port 0 is a free one")
	flags.StringVar(&s.demo, "demo", "page",
		"page: shows the service at work; off: the service alone; instance: a second one of a page")
	flags.DurationVar(&s.drain, "drain", 0,
		"how long the readiness probe fails before no request is accepted any more")
	s.database, s.redis = os.Getenv("DATABASE_URL"), os.Getenv("REDIS_URL")
	err = flags.Parse(args)
	return s, err
}

// shutdownTime is how long all may take to end. Kubernetes kills 30 s after SIGTERM.
const shutdownTime = 20 * time.Second

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) error {
	s, err := parse(args, errs)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(errs, nil))
	if s.demo != "off" {
		return runDemo(ctx, s, log, in, out)
	}
	parts, err := open(ctx, s, log)
	if err != nil {
		return err
	}
	a, err := app.New(parts)
	if err != nil {
		return err
	}
	started := func(base string) { fmt.Fprintln(out, "listening on "+base) }
	return server{settings: s, app: a, handler: a.Handler(), log: log, started: started}.serve(ctx)
}

// open opens what the service uses.
func open(ctx context.Context, s settings, log *slog.Logger) (app.Parts, error) {
	if s.database == "" || s.redis == "" {
		return app.Parts{}, errors.New("DATABASE_URL and REDIS_URL have to say what to use, " +
			"or else -demo page starts both")
	}
	st, err := store.Open(ctx, s.database)
	if err != nil {
		return app.Parts{}, err
	}
	rdb, err := app.Redis(s.redis)
	if err != nil {
		return app.Parts{}, err
	}
	return app.Parts{Store: st, Redis: rdb, Log: log}, nil
}

// A server answers requests with a handler until its context ends.
type server struct {
	settings settings
	app      *app.App
	handler  http.Handler
	log      *slog.Logger
	started  func(base string) // is told where it listens
	stop     func()            // ends what sends requests to it, nil: nothing
}

// serve ends in an order: the readiness probe fails, requests that are under way are answered, and
// last the caches and what they use are closed.
func (s server) serve(ctx context.Context) error {
	listener, err := net.Listen("tcp", s.settings.addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	s.started(baseURL(listener.Addr()))
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.app.Drain()
	time.Sleep(s.settings.drain)
	if s.stop != nil {
		s.stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	return errors.Join(err, server.Shutdown(ctx), s.app.Shutdown(ctx))
}

// baseURL is the URL of what listens at an address, for a client of this machine.
func baseURL(at net.Addr) string {
	host, port, err := net.SplitHostPort(at.String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		return "http://localhost:" + port
	}
	return "http://" + at.String()
}
