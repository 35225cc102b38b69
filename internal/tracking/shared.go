package tracking

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
)

// A shared is what all subscriptions of a client share: the connections to its masters, from
// the first one to the last.
type shared struct {
	key     any // of the client
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup // all that runs
	looking chan struct{}  // of 1: the masters are to be looked for

	cluster bool  // there may be several masters
	single  *node // the only master
	table   atomic.Pointer[slotTable]

	routing atomic.Pointer[routing]

	mu      sync.Mutex // guards what follows, and the view of nodes
	subs    []*Subscription
	changes uint64           // of subs so far
	nodes   map[string]*node // by address
	err     error            // why the masters of a cluster were not found

	telling sync.Mutex // held while states are told
}

// clients has what is shared, by client.
var clients = struct {
	sync.Mutex
	of map[any]*shared
}{of: make(map[any]*shared)}

// subscribe adds a subscription to those of its client, and connects for the first one.
func subscribe(s *Subscription) {
	clients.Lock()
	defer clients.Unlock()
	of := clients.of[s.listener.key]
	if of == nil {
		_, cluster := s.listener.client.(*redis.ClusterClient)
		of = newShared(s.listener.key, cluster)
		clients.of[s.listener.key] = of
		defer of.start(s.listener.client)
	}
	s.of = of
	of.mu.Lock()
	defer of.mu.Unlock()
	of.subs = append(of.subs, s)
	of.changed()
	s.number = of.changes
}

func newShared(key any, cluster bool) *shared {
	of := &shared{
		key: key, cluster: cluster, looking: make(chan struct{}, 1), nodes: make(map[string]*node), err: errUnconnected,
	}
	of.ctx, of.cancel = context.WithCancel(context.Background())
	return of
}

func (of *shared) start(rdb redis.UniversalClient) {
	switch rdb := rdb.(type) {
	case *redis.ClusterClient:
		of.running.Go(func() { of.findMasters(of.ctx, rdb) })
	case *redis.Client:
		opt := rdb.Options()
		of.mu.Lock()
		of.single = of.add(opt.Addr, opt)
		of.mu.Unlock()
		if isFailover(opt) {
			of.running.Go(func() { of.followSentinels(of.ctx, of.single) })
		}
	}
}

// add adds a node. It is called with mu held.
func (of *shared) add(addr string, opt *redis.Options) *node {
	n := &node{
		of: of, options: opt, err: errUnconnected,
		wake: make(chan struct{}, 1), changed: make(chan struct{}, 1),
	}
	ctx, cancel := context.WithCancel(of.ctx)
	n.cancel = cancel
	of.nodes[addr] = n
	of.running.Go(func() { n.run(ctx) })
	return n
}

// changed has the nodes look at the subscriptions. It is called with mu held.
func (of *shared) changed() {
	of.changes++
	of.routing.Store(newRouting(of.subs))
	for _, n := range of.nodes {
		select {
		case n.changed <- struct{}{}:
		default:
		}
	}
}

// unsubscribe removes a subscription, and closes the connections after the last one.
func (of *shared) unsubscribe(s *Subscription) {
	of.telling.Lock() // so that no state is told to it any more
	clients.Lock()
	of.mu.Lock()
	of.subs = without(of.subs, []*Subscription{s})
	last := len(of.subs) == 0
	of.changed()
	of.mu.Unlock()
	if last && clients.of[of.key] == of {
		delete(clients.of, of.key)
	}
	clients.Unlock()
	of.telling.Unlock()
	if last {
		of.cancel()
		of.running.Wait()
	}
}

// wanted returns the prefixes to track after so many changes, unless those are known already.
func (of *shared) wanted(known uint64) (prefixes []string, changes uint64) {
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.changes == known {
		return nil, known
	}
	for _, s := range of.subs {
		prefixes = append(prefixes, s.prefixes...)
	}
	return cover(prefixes), of.changes
}

// master returns the node that has a key, nil for none.
func (of *shared) master(key string) *node {
	if !of.cluster {
		return of.single
	}
	if table := of.table.Load(); table != nil {
		return table[rediskey.Slot(key)]
	}
	return nil
}

func (of *shared) invalidate(key []byte) { of.routing.Load().invalidate(key) }

// flush tells the handlers of all subscriptions that came after so many changes.
func (of *shared) flush(after uint64) {
	of.mu.Lock()
	subs := of.subs
	of.mu.Unlock()
	for _, s := range subs {
		if s.number > after {
			s.handler.Flush()
		}
	}
}
