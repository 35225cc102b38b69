package near

import (
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
)

// A space is what a tier holds from one flush to the next. Entries are found in otter, which
// decides what is evicted, by the hash of the Go key, and in shards by the hash of the Redis key.
//
// An entry that is in its shard is alive, and any other dead. An entry is put into its shard
// before it is put into otter, and is looked at again afterwards: so no entry that was removed
// meanwhile stays in otter.
//
// Otter removes entries from their shards under its own locks. So nothing of otter is called
// under the lock of a shard.
type space struct {
	tier    *Tier
	entries *otter.Cache[uint64, *Entry]
	held    atomic.Int64 // entries that are alive
	bytes   atomic.Int64 // of these
	shards  [shards]shard
}

// shards is how many parts of the keys there are. An invalidation of a key has all reads of its
// shard refused that are under way.
const shards = 1024

type shard struct {
	count   atomic.Uint64 // of invalidations
	mu      sync.Mutex    // guards entries, and changes of count
	entries map[uint64]*Entry
}

func newSpace(t *Tier) *space {
	s := &space{tier: t}
	o := &otter.Options[uint64, *Entry]{
		// On the goroutine of the caller, so that nothing runs once a cache is closed: what a read
		// or a write leaves to do is little.
		Executor:         func(do func()) { do() },
		OnAtomicDeletion: s.removed,
	}
	if t.options.MaxBytes > 0 {
		o.MaximumWeight = uint64(t.options.MaxBytes)
		o.Weigher = func(_ uint64, e *Entry) uint32 { return e.Size }
	} else {
		o.MaximumSize = t.options.MaxEntries
	}
	s.entries = otter.Must(o)
	return s
}

func (s *space) shardOf(text uint64) *shard { return &s.shards[text%shards] }

// install puts an entry in place of an older one, if nothing was heard of its key.
func (s *space) install(k Ticket, e *Entry) bool {
	sh := s.shardOf(e.text)
	sh.mu.Lock()
	old := sh.entries[e.text]
	if sh.count.Load() != k.count || old != nil && old.sent > e.sent {
		sh.mu.Unlock()
		return false
	}
	if sh.entries == nil {
		sh.entries = make(map[uint64]*Entry)
	}
	sh.entries[e.text] = e
	s.held.Add(1)
	s.bytes.Add(int64(e.Size))
	if old != nil {
		s.end(old)
	}
	sh.mu.Unlock()
	if old != nil && old.Hash != e.Hash {
		s.entries.Invalidate(old.Hash)
	}
	s.entries.Set(e.Hash, e)
	if e.isDead() {
		s.entries.Invalidate(e.Hash)
		return false
	}
	return true
}

// drop refuses all that was read of a key so far, and reports whether there was an entry.
func (s *space) drop(text uint64) bool {
	sh := s.shardOf(text)
	sh.mu.Lock()
	sh.count.Add(1)
	e := sh.entries[text]
	if e != nil {
		delete(sh.entries, text)
		s.end(e)
	}
	sh.mu.Unlock()
	if e == nil {
		return false
	}
	s.entries.Invalidate(e.Hash)
	return true
}

// removed is called when otter has removed or replaced an entry.
func (s *space) removed(d otter.DeletionEvent[uint64, *Entry]) {
	e := d.Value
	sh := s.shardOf(e.text)
	sh.mu.Lock()
	if sh.entries[e.text] == e {
		delete(sh.entries, e.text)
		s.end(e)
	}
	sh.mu.Unlock()
	if d.WasEvicted() {
		s.tier.evictions.Add(1)
	}
}

// end ends an entry that was in its shard, whose lock is held.
func (s *space) end(e *Entry) {
	if e.kill() {
		s.held.Add(-1)
		s.bytes.Add(-int64(e.Size))
	}
}
