package client

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"weak"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
)

// A server that becomes a master has a replication id that no other has had. While there are
// records in the journal, the masters of their keys are asked for it once a second, by a timer: so
// no goroutine waits meanwhile. Where one has another id than before, all keys in the journal are
// deleted, whichever master has them: which slots a lost master had is not known for certain.

const (
	checkInterval = time.Second
	retryInterval = 250 * time.Millisecond // while a master does not answer

	// How long nothing is recorded: of a server without replicas, which may get one, and of one
	// that does not tell.
	loneInterval = 10 * time.Second
	muteInterval = time.Minute

	// How long records are needed, after which their masters have been found to be those of
	// before; and at most, where they do not answer.
	journalLife    = 30 * time.Second
	longestJournal = 5 * time.Minute
)

// replayedAfter are the times after which keys are deleted again: at once, and when clients have
// learnt of a new master, and what was on its way to it has come.
var replayedAfter = [...]time.Duration{0, 2 * time.Second}

// A failover is what the checks know, which come one after the other; journal.mu guards it.
type failover struct {
	walked uint64          // records whose slots are noted, of all that there have been
	slots  map[uint16]bool // of keys in the journal; true: their masters were asked before
	known  map[string]bool // replication ids
	passes []*pass
}

// A pass sends deletes again, once each.
type pass struct {
	due  time.Time
	keys map[string]Deleter // that Redis has not acknowledged yet
}

// A master is what one was asked.
type master struct {
	to     Conn
	server string // see executor.serverOf
	before bool   // for a slot whose master was asked before

	id   string // its replication id, empty if it has not answered
	lone bool   // it has no replicas, and has had none of late
	mute bool   // it does not tell
}

// schedule has the masters asked after a while; the caller holds the lock.
func (j *journal) schedule(x *executor, after time.Duration) {
	of := weak.Make(x)
	j.timer = time.AfterFunc(after, func() {
		if x := of.Value(); x != nil {
			x.checkMasters()
		}
	})
}

// checkMasters asks the masters of all keys in the journal who they are.
func (x *executor) checkMasters() {
	ctx, ok := x.undelivered.worker()
	if !ok {
		return
	}
	defer x.undelivered.workers.Done()
	j, began := &x.journal, time.Now()
	all := x.mastersOf(j.noteSlots(x.slotOf))
	defer func() { j.next(x, began, all) }() // also where a hook ends the goroutine
	c := x.newClient(min(x.breakers.longest(), maxDeliveryTimeout))
	ForEach(len(all), func(i int) { c.identify(ctx, all[i]) })
	for _, p := range j.compare(all) {
		x.deliverAgain(ctx, p)
	}
}

// slotOf returns the slot of a key in a cluster, else 0.
func (x *executor) slotOf(key string) uint16 {
	if _, cluster := x.rdb.(*redis.ClusterClient); !cluster {
		return 0
	}
	return rediskey.Slot(key)
}

// noteSlots returns the slots of the keys in the journal, and whether their masters were asked
// before.
func (j *journal) noteSlots(slotOf func(string) uint16) map[uint16]bool {
	const atOnce = 1000 // writes wait meanwhile
	for {
		j.mu.Lock()
		f, end := &j.failover, j.dropped+uint64(j.count)
		if f.slots == nil {
			f.slots, f.known = make(map[uint16]bool), make(map[string]bool)
		}
		f.walked = max(f.walked, j.dropped)
		for to := min(end, f.walked+atOnce); f.walked < to; f.walked++ {
			if slot := slotOf(j.nth(f.walked).key); !f.slots[slot] {
				f.slots[slot] = false
			}
		}
		if f.walked == end {
			defer j.mu.Unlock()
			return maps.Clone(f.slots)
		}
		j.mu.Unlock()
	}
}

// mastersOf returns the masters of slots, as far as the client knows them.
func (x *executor) mastersOf(slots map[uint16]bool) []*master {
	cluster, ok := x.rdb.(*redis.ClusterClient)
	if !ok {
		return []*master{{to: x.rdb, before: slots[0]}}
	}
	of := make(map[*redis.Client]*master)
	for slot, before := range slots {
		rdb, err := cluster.MasterForKey(notAsked, rediskey.InSlot(slot))
		m := of[rdb]
		if m == nil {
			m = new(master)
			if err == nil {
				m.to, m.server = rdb, rdb.Options().Addr
			}
			of[rdb] = m
		}
		m.before = m.before || before
	}
	return slices.Collect(maps.Values(of))
}

// identify asks a master who it is.
func (c *Client) identify(ctx context.Context, m *master) {
	text, err := "", errNoAnswer
	if m.to != nil {
		contain(func() { // a hook leaves err as it is
			text, err = RunUntil(ctx, c, time.Now().Add(c.timeouts.timeout),
				func(ctx context.Context) (string, error) { return c.askInfo(ctx, m) })
		})
	}
	switch {
	case err == nil:
		m.read(text)
	case answered(err) && outcomeOf(err) == serves:
		m.mute = true
	default:
		c.reloads.want(c.rdb)
	}
}

// askInfo does not count for the breaker, as little as a probe.
func (c *Client) askInfo(ctx context.Context, m *master) (text string, err error) {
	if err := c.check(ctx, m.server); err != nil {
		return "", err
	}
	return text, c.persist(func() error {
		cmd := NewText(ctx, "info", "replication")
		if err := processOn(ctx, m.to, cmd.RawWriteToCmd); err != nil {
			return err
		}
		text, err = cmd.Text()
		return err
	})
}

// read reads the answer. A replica has none: it has been a master, or is to become one.
func (m *master) read(text string) {
	info := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	if info["role"] == "slave" {
		return
	}
	m.id = info["master_replid"]
	m.mute = m.id == ""
	m.lone = info["connected_slaves"] == "0" && info["repl_backlog_active"] == "0"
}

// compare returns the passes that are due, after the masters were asked.
func (j *journal) compare(all []*master) (due []*pass) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stopped {
		return nil
	}
	f, changed := &j.failover, false
	for _, m := range all {
		if m.id != "" && !f.known[m.id] {
			f.known[m.id] = true
			changed = changed || m.before
		}
	}
	for slot := range f.slots {
		f.slots[slot] = true
	}
	now := time.Now()
	if changed {
		f.passes = j.passes(now)
	}
	for _, p := range f.passes {
		if !now.Before(p.due) {
			due = append(due, p)
		}
	}
	return due
}

// passes returns those of all keys that a new master may have missed the writes of; the caller
// holds the lock.
func (j *journal) passes(now time.Time) (passes []*pass) {
	keys := make(map[string]Deleter, j.count)
	for _, p := range j.failover.passes {
		maps.Copy(keys, p.keys)
	}
	for i := range j.count {
		r := j.nth(j.dropped + uint64(i))
		keys[r.key] = r.by
	}
	for _, after := range replayedAfter {
		passes = append(passes, &pass{due: now.Add(after), keys: maps.Clone(keys)})
	}
	return passes
}

// deliverAgain sends the deletes of a pass. They are writes as others, of which the journal has a
// record when Redis has acknowledged them.
func (x *executor) deliverAgain(ctx context.Context, p *pass) {
	deletes := make([]*Delete, 0, len(p.keys))
	for key, by := range p.keys {
		if d, ok := by.Delete(key); ok {
			deletes = append(deletes, &d)
		} else {
			delete(p.keys, key)
		}
	}
	x.sendAll(ctx, make(map[string]*Client), deletes, func(acknowledged []*Delete) {
		for _, d := range acknowledged {
			delete(p.keys, d.Key)
		}
		x.journal.replayed.Add(uint64(len(acknowledged)))
	})
}

// next has the masters asked again, after they were asked at a time, while there is a record that
// is needed.
func (j *journal) next(x *executor, began time.Time, all []*master) {
	confirmed, lone, mute := true, true, false
	for _, m := range all {
		confirmed, lone, mute = confirmed && m.id != "", lone && m.lone, mute || m.mute
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stopped {
		return
	}
	pause, lasts := checkInterval, journalLife
	if !confirmed {
		pause, lasts = retryInterval, longestJournal
	}
	j.expire(began.Add(-lasts))
	j.failover.passes = slices.DeleteFunc(j.failover.passes, func(p *pass) bool {
		return len(p.keys) == 0 || began.Sub(p.due) > longestJournal
	})
	now := time.Now()
	switch {
	case len(j.failover.passes) > 0:
		j.schedule(x, pause)
	case mute:
		j.reset(now.Add(muteInterval))
	case lone:
		j.reset(now.Add(loneInterval))
	case j.count == 0:
		j.reset(now)
	default:
		j.schedule(x, pause)
	}
}
