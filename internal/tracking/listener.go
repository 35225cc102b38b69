package tracking

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/client"
)

// A Listener listens to what one client's masters tell. All Listeners of a client share their
// connections, of which there are none before the first Subscription.
type Listener struct {
	client redis.UniversalClient
	key    any

	mu   sync.Mutex
	subs []*Subscription
}

// Listen returns a listener for a client, or why there can be none. It does not connect.
func Listen(rdb redis.UniversalClient) (*Listener, error) {
	switch rdb := rdb.(type) {
	case *redis.Client:
	case *redis.ClusterClient:
		switch opt := rdb.Options(); {
		case opt.ReadOnly:
			return nil, errReplicas
		case opt.ClusterSlots != nil:
			return nil, errOwnSlots
		}
	default:
		return nil, fmt.Errorf("writes cannot be heard of with a %T, which hides how to connect: "+
			"that takes the *redis.Client or *redis.ClusterClient itself", rdb)
	}
	key, _ := client.Key(rdb)
	return &Listener{client: rdb, key: key}, nil
}

// Close closes the subscriptions that were made with the listener.
func (l *Listener) Close() {
	l.mu.Lock()
	subs := l.subs
	l.subs = nil
	l.mu.Unlock()
	for _, s := range subs {
		s.Close()
	}
}

// A Subscription is to the writes to keys with some prefixes.
type Subscription struct {
	listener *Listener
	of       *shared
	prefixes []string
	handler  Handler
	number   uint64 // of changes of the subscriptions, with this one
	closed   atomic.Bool
	told     told // guarded by of.telling
}

// Subscribe begins to listen to the writes to keys with any of the prefixes: what h is told
// may be of more keys. No answer is waited for.
func (l *Listener) Subscribe(prefixes []string, h Handler) *Subscription {
	s := &Subscription{listener: l, prefixes: slices.Clone(prefixes), handler: h}
	s.told.cause = errUnconnected
	subscribe(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subs = append(l.subs, s)
	return s
}

// Epoch returns the epoch of the master that has a Redis key, nil while none is listened to for
// this subscription.
func (s *Subscription) Epoch(key string) *Epoch {
	n := s.of.master(key)
	if n == nil || s.closed.Load() {
		return nil
	}
	now := n.state.Load()
	if now == nil || now.changes < s.number {
		return nil
	}
	if now.epoch.unused.Load() {
		now.epoch.use()
	}
	return now.epoch
}

// State reports whether all masters are listened to for the subscription, and why not.
func (s *Subscription) State() (connected bool, cause error) {
	if s.closed.Load() {
		return false, errClosed
	}
	return s.of.stateOf(s)
}

// Close ends the subscription. It waits for the end of the connections if it was the last one.
func (s *Subscription) Close() {
	s.closed.Store(true)
	s.listener.mu.Lock()
	s.listener.subs = without(s.listener.subs, []*Subscription{s})
	s.listener.mu.Unlock()
	s.of.unsubscribe(s)
}
