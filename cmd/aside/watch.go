package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/explain"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/tracking"
)

var watchCommand = &command{
	name: "watch", args: "PATTERN...",
	short: "follows writes, such as 'user:*'",
	long: `
Prints a line for each key that matches and was written, deleted or evicted, or has expired, with
what it holds since, until it is interrupted. On a cluster it listens to all masters, and follows
failovers, but with -events not to masters that are new.

It listens by CLIENT TRACKING in broadcasting mode (RESP3), which tells of every write and costs
the server little, but not which command it was: several writes of a moment are one line. Where
that is not to be had, or with -events, it listens by keyspace notifications, which name the
command, if notify-keyspace-events of the server has K and the classes of events, such as KA; they
tell of evictions and of keys that expire when these happen, not when their time is over. Neither
tells which client it was, or of anything while a connection is lost: that is said on stderr.
`,
	flags: func(a *app, f *flag.FlagSet) func(context.Context, []string) (int, error) {
		control := f.Bool("control", false, "follow control keys too: leases, what is absent or empty")
		events := f.Bool("events", false, "listen by keyspace notifications, which name commands")
		return func(ctx context.Context, args []string) (int, error) {
			if len(args) == 0 {
				return exitUsage, usageError("no pattern is given: name keys, in quotes, as in 'user:*'")
			}
			w := &watcher{app: a, control: *control, changes: make(chan change, 1<<12)}
			for _, arg := range args {
				w.patterns = append(w.patterns, glob(arg))
			}
			return exitOK, w.run(ctx, *events)
		}
	},
}

// A change is what was heard of a key.
type change struct {
	key   string
	event string // of a notification; empty for "changed"
}

// A watcher prints changes.
type watcher struct {
	app      *app
	control  bool
	patterns []glob
	changes  chan change

	mu   sync.Mutex // guards lost, and stderr
	lost int        // changes that were not printed, as there were too many
}

// run listens until ctx ends.
func (w *watcher) run(ctx context.Context, events bool) error {
	c, err := client.New(w.app.rdb, w.app.timeout)
	if err != nil {
		return err
	}
	defer c.Close()
	listen := w.track
	if events {
		listen = w.notify
	}
	stop, err := listen(ctx)
	if errors.Is(err, tracking.ErrCannotTrack) {
		w.say("%v: keyspace notifications are used instead", err)
		if stop, err = w.notify(ctx); err != nil {
			return fmt.Errorf("this Redis does not tell of writes: %w", err)
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return w.app.plain(err)
	}
	defer stop()
	return w.follow(ctx, c)
}

// say says something that is no change, on stderr.
func (w *watcher) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.app.complain(fmt.Sprintf(format, args...))
}

// matches reports whether a key is watched.
func (w *watcher) matches(key string) bool {
	p := rediskey.Parse(w.app.prefix, key)
	of := key
	if p.Role != rediskey.RoleValue {
		if !w.control || p.Plain == "" {
			return false
		}
		of = p.Plain
	}
	return slices.ContainsFunc(w.patterns, func(g glob) bool { return g.matches(of) })
}

// heard takes a change, unless nobody would have the time to read it.
func (w *watcher) heard(c change) {
	if !w.matches(c.key) {
		return
	}
	select {
	case w.changes <- c:
	default:
		w.mu.Lock()
		w.lost++
		w.mu.Unlock()
	}
}

// follow prints changes until ctx ends. Those of one key that come together are one.
func (w *watcher) follow(ctx context.Context, c *client.Client) error {
	const atOnce = 200
	for {
		var some []change
		select {
		case <-ctx.Done():
			return nil
		case first := <-w.changes:
			some = append(some, first)
		}
		for len(some) < atOnce && len(w.changes) > 0 {
			if next := <-w.changes; !slices.Contains(some, next) {
				some = append(some, next)
			}
		}
		if err := w.printAll(ctx, c, some); err != nil {
			return err
		}
		w.mu.Lock()
		lost := w.lost
		w.lost = 0
		w.mu.Unlock()
		if lost > 0 {
			w.say("%d changes were too many to be printed", lost)
		}
	}
}

// A watched is the JSON of a change.
type watched struct {
	Time time.Time `json:"time"`
	named
	Event string `json:"event"` // changed, or the event of a notification
	Type  string `json:"type"`  // what it holds since; none for nothing, empty if that is not known
	TTL   *int64 `json:"ttl_ms,omitempty"`
}

// printAll looks what the keys hold, and prints the changes.
func (w *watcher) printAll(ctx context.Context, c *client.Client, some []change) error {
	now := time.Now()
	cmds, err := c.SendUntil(ctx, now.Add(w.app.timeout), func(ctx context.Context) (cmds []*client.Command) {
		for _, ch := range some {
			cmds = append(cmds, client.NewSmall(ctx, "type", ch.key), client.NewSmall(ctx, "pttl", ch.key))
		}
		return cmds
	})
	for i, ch := range some {
		line := watched{Time: now, named: nameOf(ch.key), Event: ch.event}
		if line.Event == "" {
			line.Event = "changed"
		}
		if err == nil {
			line.Type, _ = cmds[2*i].Text()
			if left, err := cmds[2*i+1].Int(); err == nil && left >= 0 {
				line.TTL = &left
			}
		}
		if err := w.app.print(line, line.text()); err != nil {
			return err
		}
	}
	return nil
}

func (w watched) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %s", w.Time.Format("15:04:05.000"),
		explain.Printable(w.Key), explain.Printable(w.Event)) // an event may be anybody's message
	switch {
	case w.Type == "none":
		b.WriteString(", gone")
	case w.Type != "" && w.TTL != nil:
		fmt.Fprintf(&b, ", now a %s for %s", explain.Printable(w.Type), explain.Span(time.Duration(*w.TTL)*time.Millisecond))
	case w.Type != "":
		fmt.Fprintf(&b, ", now a %s that does not expire", explain.Printable(w.Type))
	}
	return b.String()
}
