package client

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/relay"
)

const (
	reloadEvery = 200 * time.Millisecond
	// maxReloads is how many may be under way, each but one of a server that does not answer.
	maxReloads = 8
	// maxLate is how many late answers one reload bears, one after the other.
	maxLate = 3
)

// reloads make a cluster client look where its masters are while commands are lost. By itself it
// does so where a server says that a key has moved, and once a minute: not where a master has
// died or is frozen, and another one has its place.
//
// It asks one server after another, in random order, and waits for each as long as for any
// answer: so it may be the frozen master that it waits for. Then the next reload begins beside
// that one, and is likely to ask another server first. redis.ClusterClient.ReloadState does
// nothing while one is under way.
type reloads struct {
	mu       sync.Mutex // guards all below
	wanted   bool       // since the latest one began
	running  bool       // a goroutine begins them
	underWay int
	ctx      context.Context // of all reloads, made by the first goroutine
	cancel   context.CancelFunc
	stopped  bool // the last store is closed

	all sync.WaitGroup // of goroutines
}

// want has the map reloaded, by a goroutine that ends when that is no longer wanted. It reports
// false where a client has no map.
func (r *reloads) want(rdb redis.UniversalClient) bool {
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = true
	if r.running || r.stopped {
		return true
	}
	if r.cancel == nil {
		r.ctx, r.cancel = context.WithCancel(context.Background())
	}
	r.running = true
	r.all.Add(1)
	go r.run(r.ctx, cluster)
	return true
}

// run begins a reload now and then, while one is wanted.
func (r *reloads) run(ctx context.Context, cluster *redis.ClusterClient) {
	defer r.all.Done()
	for r.begin(ctx, cluster) {
		select {
		case <-time.After(reloadEvery):
		case <-ctx.Done():
		}
	}
}

// begin begins a reload, unless too many are under way. It reports false when none is wanted.
func (r *reloads) begin(ctx context.Context, cluster *redis.ClusterClient) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.wanted || r.stopped {
		r.running = false
		return false
	}
	if r.underWay < maxReloads {
		r.wanted = false
		r.underWay++
		r.all.Add(1)
		go r.reload(ctx, cluster)
	}
	return true
}

// reload is one reload. What it was told after a long time may be the view of a server that was
// frozen and knows nothing of another master: then the map is reloaded again, which is likely to
// ask a server that answers at once.
func (r *reloads) reload(ctx context.Context, cluster *redis.ClusterClient) {
	defer r.all.Done()
	relay.Catch(func() {
		for range maxLate {
			began := time.Now()
			// Of the methods of a cluster client it is the one that waits for a map of its own.
			_ = cluster.ForEachMaster(ctx, nothing)
			if time.Since(began) < reloadEvery || ctx.Err() != nil {
				break
			}
		}
	}, func(*relay.Crash) { // by what greets connections, or a hook
		r.mu.Lock()
		defer r.mu.Unlock()
		r.underWay--
	})
}

func nothing(context.Context, *redis.Client) error { return nil }

// end ends the reloads. The channel is closed when none is under way.
func (r *reloads) end() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.stopped = true
		if r.cancel != nil {
			r.cancel()
		}
	}
	ended := make(chan struct{})
	go func() {
		r.all.Wait()
		close(ended)
	}()
	return ended
}
