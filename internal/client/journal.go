package client

import (
	"sync"
	"sync/atomic"
	"time"
)

// A replica that is promoted may have missed the last writes of its master: what they replaced or
// removed is there again. So the keys of the writes that Redis has acknowledged are remembered for
// a while, and deleted again when a master is another server than before: see failover.go.

const (
	maxJournal      = 50_000
	maxJournalBytes = 8 << 20 // of names
	minJournal      = 64
)

// A Deleter makes the delete of a key. It does not keep its store in memory.
type Deleter interface {
	Delete(key string) (d Delete, ok bool)
}

// A record is of one write.
type record struct {
	key string
	by  Deleter
	at  time.Time
}

// A journal is a ring of records, which grows to what is written while they are needed. So a
// record needs no memory of its own.
type journal struct {
	forgotten atomic.Uint64 // records that were one too many
	replayed  atomic.Uint64 // deletes that were delivered again

	mu      sync.Mutex // guards all below
	ring    []record
	first   int
	count   int
	bytes   int
	dropped uint64 // records in all
	timer   *time.Timer
	until   time.Time // nothing need be recorded
	stopped bool

	failover failover
}

// Record notes that Redis has acknowledged a write of a key, which a delete makes up for where it
// is forgotten. It starts nothing that keeps an executor in memory.
func (x *executor) Record(key string, by Deleter) {
	j, now := &x.journal, time.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stopped || now.Before(j.until) {
		return
	}
	if len(key) > maxJournalBytes {
		j.forgotten.Add(1)
		return
	}
	for j.count == maxJournal || j.bytes+len(key) > maxJournalBytes {
		j.drop()
		j.forgotten.Add(1)
	}
	if j.count == len(j.ring) {
		j.grow()
	}
	j.ring[(j.first+j.count)%len(j.ring)] = record{key, by, now}
	j.count++
	j.bytes += len(key)
	if j.timer == nil {
		j.schedule(x, checkInterval)
	}
}

// nth returns a record by its place among all that there have been.
func (j *journal) nth(n uint64) *record {
	return &j.ring[(j.first+int(n-j.dropped))%len(j.ring)]
}

// drop drops the oldest record.
func (j *journal) drop() {
	r := &j.ring[j.first]
	j.bytes -= len(r.key)
	*r = record{}
	j.first = (j.first + 1) % len(j.ring)
	j.count--
	j.dropped++
}

// expire drops the records from before a time; the caller holds the lock.
func (j *journal) expire(before time.Time) {
	for j.count > 0 && j.ring[j.first].at.Before(before) {
		j.drop()
	}
}

func (j *journal) grow() {
	ring := make([]record, min(max(minJournal, 2*len(j.ring)), maxJournal))
	n := copy(ring, j.ring[j.first:])
	copy(ring[n:], j.ring[:j.first])
	j.ring, j.first = ring, 0
}

// reset gives up all memory, for as long as nothing need be recorded; the caller holds the lock.
func (j *journal) reset(until time.Time) {
	j.dropped += uint64(j.count)
	j.ring, j.first, j.count, j.bytes = nil, 0, 0, 0
	j.failover, j.timer, j.until = failover{walked: j.dropped}, nil, until
}

// end ends the journal. A check that is under way ends with the other goroutines.
func (j *journal) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.timer != nil {
		j.timer.Stop()
	}
	j.reset(time.Time{})
	j.stopped = true
}

// Journal returns how many deletes were delivered again after a failover, and how many writes were
// forgotten meanwhile, as there were too many, for all stores on the client.
func (c *Client) Journal() (replayed, forgotten uint64) {
	return c.journal.replayed.Load(), c.journal.forgotten.Load()
}
