package near

import (
	"fmt"
	"hash/maphash"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/internal/tracking"
)

// An item is what a cache embeds an Entry in.
type item struct {
	Entry
	key   string
	value int
}

// listening is a Source of one epoch.
type listening struct{ epoch *tracking.Epoch }

func (l *listening) Epoch(string) *tracking.Epoch { return l.epoch }

// proven is a source by which everything was heard so far.
func proven() *listening { return &listening{tracking.NewEpoch(tracking.Now())} }

// tierOf is a tier of a thousand entries that live for a minute.
func tierOf(source Source) *Tier {
	t := New(Options{MaxEntries: 1000, TTL: time.Minute})
	if source != nil {
		t.ListenTo(source)
	}
	return t
}

func entryOf(key string, value int) *item {
	e := &item{key: key, value: value}
	e.Owner, e.Hash, e.Size, e.TTL = e, Hash(key), 100, time.Hour
	return e
}

// install does what a read of a key does.
func install(t *Tier, key string, value int) bool {
	return t.Install(t.Ticket(key), &entryOf(key, value).Entry)
}

// get returns the value of a key, 0 for none.
func get(t *Tier, key string) int {
	e := t.Get(Hash(key), tracking.Now())
	if e == nil {
		return 0
	}
	i := e.Owner.(*item)
	if i.key != key {
		return 0
	}
	return i.value
}

func wantGet(t *testing.T, tier *Tier, key string, value int) {
	t.Helper()
	if got := get(tier, key); got != value {
		t.Errorf("%s has the value %d, want %d", key, got, value)
	}
	if served := tier.Serves(key, tracking.Now()); served != (value != 0) {
		t.Errorf("%s is served: %v, and has the value %d", key, served, value)
	}
}

// What happens between the ticket of a read and its answer decides whether that is kept.
func TestRaces(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(tier *Tier, l *listening)
		kept bool
	}{
		{"nothing", func(*Tier, *listening) {}, true},
		{"another key is written", func(tier *Tier, _ *listening) { tier.drop(other("k")) }, true},
		{"the key is written elsewhere", func(tier *Tier, _ *listening) { tier.Invalidate([]byte("k")) }, false},
		{"the key is written here", func(tier *Tier, _ *listening) { tier.Written("k") }, false},
		{"a flush", func(tier *Tier, _ *listening) { tier.Flush() }, false},
		{"the epoch ends", func(_ *Tier, l *listening) { l.epoch.End() }, false},
		{"nothing was heard for too long", func(_ *Tier, l *listening) { l.epoch.Confirm(tracking.Now() - int64(Bound) - 1) }, false},
		{"a later read is kept", func(tier *Tier, _ *listening) { install(tier, "k", 2) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := proven()
			tier := tierOf(l)
			ticket := tier.Ticket("k")
			time.Sleep(time.Nanosecond) // that two reads are not sent at one moment
			tt.do(tier, l)
			if kept := tier.Install(ticket, &entryOf("k", 1).Entry); kept != tt.kept {
				t.Errorf("kept: %v, want %v", kept, tt.kept)
			}
			if tt.kept {
				wantGet(t, tier, "k", 1)
			} else if get(tier, "k") == 1 {
				t.Error("it is served")
			}
		})
	}
}

// other is the hash of a key in another shard than that of key.
func other(key string) uint64 { return maphash.String(seed, key) + 1 }

// What happens once an entry is kept decides whether it is served.
func TestServed(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(tier *Tier, l *listening)
		want int
	}{
		{"nothing", func(*Tier, *listening) {}, 1},
		{"another key is written", func(tier *Tier, _ *listening) { tier.Invalidate([]byte("other")) }, 1},
		{"the key is written elsewhere", func(tier *Tier, _ *listening) { tier.Invalidate([]byte("k")) }, 0},
		{"the key is written here", func(tier *Tier, _ *listening) { tier.Written("k") }, 0},
		{"a flush", func(tier *Tier, _ *listening) { tier.Flush() }, 0},
		{"the epoch ends", func(_ *Tier, l *listening) { l.epoch.End() }, 0},
		{"another epoch", func(_ *Tier, l *listening) {
			l.epoch.End()
			l.epoch = tracking.NewEpoch(tracking.Now())
		}, 0},
		{"nothing was heard for too long", func(_ *Tier, l *listening) { l.epoch.Confirm(tracking.Now() - int64(Bound) - 1) }, 0},
		{"a later read", func(tier *Tier, _ *listening) { install(tier, "k", 2) }, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := proven()
			tier := tierOf(l)
			if !install(tier, "k", 1) {
				t.Fatal("it is not kept")
			}
			ticket := tier.Ticket("k")
			tt.do(tier, l)
			wantGet(t, tier, "k", tt.want)
			if serves := tier.Serving(ticket); serves != (tt.want != 0) {
				t.Errorf("what was read before may be served: %v", serves)
			}
		})
	}
}

// Nothing is kept while nobody tells of writes.
func TestNoEpoch(t *testing.T) {
	l := proven()
	tier := tierOf(l)
	for name, epoch := range map[string]*tracking.Epoch{
		"none": nil, "one that is not proven": tracking.NewEpoch(tracking.Now() - int64(time.Hour)),
	} {
		l.epoch = epoch
		ticket := tier.Ticket("k")
		l.epoch = tracking.NewEpoch(tracking.Now())
		if tier.Install(ticket, &entryOf("k", 1).Entry) || get(tier, "k") != 0 {
			t.Errorf("%s: it is kept", name)
		}
	}
}

// An entry is served until the first of three times: the end of Redis's own, the tier's TTL, and
// for what is brief the bound; from when its read was sent.
func TestTTL(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ttl   time.Duration
		brief bool
		want  time.Duration
	}{
		{"Redis's own", 10 * time.Second, false, 10 * time.Second},
		{"the tier's", time.Hour, false, time.Minute},
		{"without an end", -1, false, time.Minute},
		{"brief", time.Hour, true, Bound},
		{"brief, and over sooner", 10 * time.Millisecond, true, 10 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tier := tierOf(nil)
				ticket := tier.Ticket("k")
				time.Sleep(time.Millisecond) // for the answer
				e := entryOf("k", 1)
				e.TTL, e.Brief = tt.ttl, tt.brief
				if !tier.Install(ticket, &e.Entry) {
					t.Fatal("it is not kept")
				}
				time.Sleep(tt.want - 2*time.Millisecond)
				wantGet(t, tier, "k", 1)
				if left := e.Left(tracking.Now()); tt.ttl < 0 && left >= 0 || tt.ttl > 0 && left != tt.ttl-tt.want+time.Millisecond {
					t.Errorf("%v left", left)
				}
				time.Sleep(time.Millisecond)
				wantGet(t, tier, "k", 0)
			})
		})
	}
}

// What arrives when it is over is not kept.
func TestTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tier := tierOf(nil)
		ticket := tier.Ticket("k")
		time.Sleep(Bound)
		e := entryOf("k", 1)
		e.Brief = true
		if tier.Install(ticket, &e.Entry) {
			t.Error("it is kept")
		}
		e = entryOf("k", 1)
		e.TTL = 0
		if tier.Install(tier.Ticket("k"), &e.Entry) {
			t.Error("without a TTL it is kept")
		}
	})
}

// Both bounds hold, and what is counted as held is what there is.
func TestBounds(t *testing.T) {
	for _, o := range []Options{{MaxEntries: 100, TTL: time.Minute}, {MaxBytes: 100 * 100, TTL: time.Minute}} {
		tier := New(o)
		for i := range 10_000 {
			install(tier, fmt.Sprint(i), 1)
		}
		s := tier.Stats()
		if s.Entries < 50 || s.Entries > 100 || s.Bytes != 100*s.Entries || int64(s.Evictions)+s.Entries < 10_000 {
			t.Errorf("%+v: %+v", o, s)
		}
		served := 0
		for i := range 10_000 {
			served += get(tier, fmt.Sprint(i))
		}
		if int64(served) != s.Entries {
			t.Errorf("%+v: %d entries are served, %d are held", o, served, s.Entries)
		}
		indexed := 0
		for i := range tier.space.Load().shards {
			indexed += len(tier.space.Load().shards[i].entries)
		}
		if int64(indexed) != s.Entries {
			t.Errorf("%+v: %d entries in the index, %d are held", o, indexed, s.Entries)
		}
		for i := range 10_000 {
			tier.Written(fmt.Sprint(i))
		}
		if s := tier.Stats(); s.Entries != 0 || s.Bytes != 0 || tier.space.Load().entries.EstimatedSize() != 0 {
			t.Errorf("%+v: after all were written %+v", o, s)
		}
	}
}

// Readers, writers and flushes at once: no value is served that is older than a write which was
// told of before.
func TestHammer(t *testing.T) {
	const keys, rounds = 8, 20_000
	tier := New(Options{MaxEntries: 6, TTL: time.Minute})
	var redis [keys]struct {
		sync.RWMutex
		value int
	}
	name := func(i int) string { return fmt.Sprint("k", i) }
	var all sync.WaitGroup
	var told [keys]struct {
		sync.Mutex
		value int
	}
	for i := range keys {
		all.Go(func() { // the writer of a key, and what tells of it
			for v := 1; v <= rounds/10; v++ {
				redis[i].Lock()
				redis[i].value = v
				redis[i].Unlock()
				if v%2 == 0 {
					tier.Written(name(i))
				} else {
					tier.Invalidate([]byte(name(i)))
				}
				told[i].Lock()
				told[i].value = v
				told[i].Unlock()
				if v%500 == 0 {
					tier.Flush()
				}
			}
		})
	}
	for r := range 4 {
		all.Go(func() {
			for n := range rounds {
				i := (n + r) % keys
				told[i].Lock()
				least := told[i].value
				told[i].Unlock()
				if v := get(tier, name(i)); v != 0 {
					if v-1 < least {
						t.Errorf("%d was served after a write of %d", v-1, least)
						return
					}
					continue
				}
				ticket := tier.Ticket(name(i))
				redis[i].RLock()
				v := redis[i].value
				redis[i].RUnlock()
				tier.Install(ticket, &entryOf(name(i), v+1).Entry)
			}
		})
	}
	all.Wait()
	if s := tier.Stats(); s.Entries > 6 || s.Bytes != 100*s.Entries {
		t.Errorf("%+v", s)
	}
	for i := range keys {
		tier.Written(name(i))
	}
	if n := tier.space.Load().entries.EstimatedSize(); n != 0 {
		t.Errorf("%d entries that nobody is served", n)
	}
}

// A hit and an invalidation of what is not there allocate nothing.
func TestAllocations(t *testing.T) {
	tier := tierOf(proven())
	install(tier, "k", 1)
	key := []byte("none")
	for name, do := range map[string]func(){
		"hit":               func() { tier.Get(Hash("k"), 0) },
		"miss":              func() { tier.Get(Hash("none"), 0) },
		"invalidation":      func() { tier.Invalidate(key) },
		"write":             func() { tier.Written("none") },
		"ticket, no answer": func() { tier.Permits(tier.Ticket("none")) },
	} {
		if n := testing.AllocsPerRun(1000, do); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
