package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/tracking"
)

// track listens by CLIENT TRACKING.
func (w *watcher) track(ctx context.Context) (stop func(), err error) {
	l, err := tracking.Listen(w.app.rdb)
	if err != nil {
		return nil, err
	}
	var prefixes []string
	for _, g := range w.patterns {
		prefixes = append(prefixes, g.prefix())
	}
	if w.control {
		prefix := w.app.prefix
		if prefix == "" {
			prefix = rediskey.ControlPrefix
		}
		prefixes = append(prefixes, prefix)
	}
	if err := w.ping(ctx); err != nil {
		return nil, err
	}
	probe, cancel := context.WithTimeout(ctx, w.app.timeout)
	defer cancel()
	if err := l.Probe(probe); err != nil {
		return nil, err
	}
	l.Subscribe(prefixes, w)
	return l.Close, nil
}

// ping returns the error of a server that does not answer, or not to this user.
func (w *watcher) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.app.timeout)
	defer cancel()
	return w.app.masters(ctx, func(ctx context.Context, master *redis.Client) error {
		err := master.Ping(ctx).Err()
		if client.IsNoPermission(err) {
			return nil
		}
		return err
	})
}

// Invalidate is part of tracking.Handler.
func (w *watcher) Invalidate(key []byte) { w.heard(change{key: string(key)}) }

// Flush is part of tracking.Handler.
func (w *watcher) Flush() {}

// StateChanged is part of tracking.StateHandler.
func (w *watcher) StateChanged(connected bool, cause error) {
	if connected {
		w.say("listening by CLIENT TRACKING: each line is one or more writes, of any command")
		return
	}
	w.say("not listening: %v", w.app.plain(cause))
}

// errNoEvents is that of a server that notifies of nothing.
var errNoEvents = errors.New("notify-keyspace-events is off: " +
	"CONFIG SET notify-keyspace-events KA turns it on")

// notify listens by keyspace notifications. A cluster is not followed when it gets other masters.
func (w *watcher) notify(ctx context.Context) (stop func(), err error) {
	var mu sync.Mutex
	var subs []*redis.PubSub
	var running sync.WaitGroup
	stop = func() {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range subs {
			_ = s.Close()
		}
		running.Wait()
	}
	err = w.app.masters(ctx, func(ctx context.Context, master *redis.Client) error {
		if err := w.notifies(ctx, master); err != nil {
			return err
		}
		channels := fmt.Sprintf("__keyspace@%d__:%s", master.Options().DB, w.subscribed())
		s := master.PSubscribe(ctx, channels)
		if _, err := s.Receive(ctx); err != nil {
			_ = s.Close()
			return err
		}
		mu.Lock()
		subs = append(subs, s)
		mu.Unlock()
		running.Go(func() {
			for m := range s.Channel() {
				if _, key, ok := strings.Cut(m.Channel, "__:"); ok {
					w.heard(change{key: key, event: m.Payload})
				}
			}
		})
		return nil
	})
	if err != nil {
		stop()
		return nil, err
	}
	w.say("listening by keyspace notifications")
	return stop, nil
}

// subscribed is the pattern of keys of which notifications are asked for.
func (w *watcher) subscribed() glob {
	if len(w.patterns) == 1 && !w.control {
		return w.patterns[0]
	}
	return "*" // a key that two patterns match would come twice
}

// notifies returns an error if a server says that it tells of nothing. One that does not say may
// do so.
func (w *watcher) notifies(ctx context.Context, master *redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, w.app.timeout)
	defer cancel()
	config, err := master.ConfigGet(ctx, "notify-keyspace-events").Result()
	var answer redis.Error
	switch {
	case errors.As(err, &answer):
		w.say("the server does not say whether it notifies: %v", answer)
		return nil
	case err != nil:
		return err
	case !strings.Contains(config["notify-keyspace-events"], "K"):
		return errNoEvents
	}
	return nil
}
