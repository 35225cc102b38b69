package cache

import (
	"context"
	"hash/maphash"
	"sync"

	"github.com/asidecache/aside/internal/near"
	"github.com/asidecache/aside/internal/store"
)

// nearReads let calls share the read of a key that is under way. A call that the near tier may
// answer takes an entry that was read before it began, if nothing was heard of the key since: that
// is as true of an entry whose read has not ended. So a stampede costs a process one read.
type nearReads struct {
	shards [32]struct {
		mu      sync.Mutex
		running map[string]*nearRead // by Redis key
	}
}

// A nearRead is a read that is under way.
type nearRead struct {
	ticket    near.Ticket   // of the call that reads
	done      chan struct{} // closed when it has ended; nil: nobody waits for that
	answered  bool          // what follows is set
	found     bool
	forOthers store.Entry // a copy: the call that reads uses its own again
}

var nearReadSeed = maphash.MakeSeed()

// join returns the read of a key that is under way, or begins one, which the caller must finish.
func (n *nearTier) join(redisKey string, ticket near.Ticket) (read *nearRead, begun bool) {
	sh := &n.reads.shards[maphash.String(nearReadSeed, redisKey)%uint64(len(n.reads.shards))]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if r := sh.running[redisKey]; r != nil && n.tier.Permits(r.ticket) {
		if r.done == nil {
			r.done = make(chan struct{})
		}
		return r, false
	}
	if sh.running == nil {
		sh.running = make(map[string]*nearRead)
	}
	r := &nearRead{ticket: ticket}
	sh.running[redisKey] = r
	return r, true
}

// finish ends a read, with its answer if there is one.
func (n *nearTier) finish(redisKey string, r *nearRead, entry *store.Entry, found, answered bool) {
	sh := &n.reads.shards[maphash.String(nearReadSeed, redisKey)%uint64(len(n.reads.shards))]
	sh.mu.Lock()
	if sh.running[redisKey] == r {
		delete(sh.running, redisKey)
	}
	sh.mu.Unlock() // from here on nobody joins
	if r.done == nil {
		return
	}
	if r.answered, r.found = answered, found; answered {
		r.forOthers.Copy(entry)
	}
	close(r.done)
}

// readNear is read for a call that the near tier may answer. A call that gets what
// another one has found leaves it to that to keep it, and loses its ticket.
func (c *core) readNear(ctx context.Context, l *lookup, ticket *near.Ticket) (found bool, err error) {
	if c.store.IsUndelivered(l.redisKey) {
		return c.read(ctx, l, l.began)
	}
	shared, begun := c.near.join(l.redisKey, *ticket)
	if begun {
		answered := false // also where a hook panics
		defer func() { c.near.finish(l.redisKey, shared, &l.entry, found, answered) }()
		found, err = c.read(ctx, l, l.began)
		answered = err == nil && !l.broken
		return found, err
	}
	waiting, cancel := context.WithDeadline(ctx, c.deadline(l))
	defer cancel()
	select {
	case <-shared.done:
	case <-waiting.Done():
		return false, waiting.Err()
	}
	if !shared.answered || !c.near.tier.Serving(shared.ticket) {
		return c.read(ctx, l, l.began)
	}
	if shared.found {
		l.entry.Alias(&shared.forOthers)
		*ticket = near.Ticket{}
	}
	return shared.found, nil
}
