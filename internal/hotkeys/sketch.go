package hotkeys

import (
	"container/heap"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// Sampling is how many lookups one that is recorded stands for.
	Sampling = 64
	// MaxKeys is how many keys are kept by name.
	MaxKeys = 1024
	// MaxText is how many bytes of a key's text are kept.
	MaxText = 256

	halfLife = 30 * time.Second

	keptFrom = 4 // samples: a key that has fewer is not kept by name

	rows  = 2
	width = 4096 // buckets of a row, a power of two
)

// Sampled reports whether a lookup is to be recorded, by 32 random bits, of which it uses the high
// ones.
func Sampled(random uint32) bool { return random>>26 == 0 }

var _ = [1]struct{}{}[Sampling-1<<6] // the bits of Sampled

// An Owner says whose key it is: a Name and a Version of caches.
type Owner struct {
	Name    string
	Version int
}

// A Key is one that is looked up often.
type Key struct {
	Text      string  // the first MaxText bytes
	Share     float64 // of all lookups that are counted, from 0 to 1
	PerSecond float64 // lookups
}

// A Sketch has the keys of a client that are looked up most. It is safe for concurrent use. The
// zero Sketch is ready for use, and takes no memory before a lookup is recorded.
type Sketch struct {
	mu      sync.Mutex // guards all below
	buckets [][width]bucket
	random  *rand.PCG
	kept    map[uint64]*kept // by hash
	least   leastFirst       // the same

	// The counts are of lookups between these times, older ones counting less.
	samples float64 // in all
	span    float64 // in nanoseconds, halved as the counts are
	until   int64
	halved  int64
}

// A bucket counts the key that most of the time was in it.
type bucket struct{ mark, count uint32 }

// A kept is a key that is kept by name.
type kept struct {
	hash  uint64
	count uint32 // of samples
	place int    // in leastFirst
	told  bool   // it was said to be hot
	owner Owner
	text  []byte
}

// seed is that of all hashes.
var seed = maphash.MakeSeed()

// Record counts a lookup of a Redis key that was sampled. It reports whether the key is hot from
// now on, and what there is to say of it then. Where another lookup is being recorded it does
// nothing: nobody waits.
func (s *Sketch) Record(o Owner, text string, now int64) (k Key, hot bool) {
	if !s.mu.TryLock() {
		return k, false
	}
	defer s.mu.Unlock()
	if s.buckets == nil {
		s.begin(now)
	}
	s.age(now)
	s.samples++
	hash := maphash.String(seed, text)
	e := s.kept[hash]
	if e != nil { // its buckets are left to others
		e.count++
		heap.Fix(&s.least, e.place)
	} else if e = s.keep(hash); e == nil {
		return k, false
	} else {
		e.owner, e.text = o, append(e.text[:0], text[:min(len(text), MaxText)]...)
	}
	if e.told || !s.isHot(e) {
		return k, false
	}
	e.told = true
	return s.describe(e), true
}

func (s *Sketch) begin(now int64) {
	s.buckets = make([][width]bucket, rows)
	if s.random == nil {
		s.random = rand.NewPCG(rand.Uint64(), rand.Uint64())
	}
	s.kept = make(map[uint64]*kept)
	s.until, s.halved = now, now
}

// keep counts a key that is not kept by name, and has it kept if it has lookups enough: else nil.
func (s *Sketch) keep(hash uint64) *kept {
	count := s.count(hash)
	if count < keptFrom {
		return nil
	}
	e := s.room(count)
	if e == nil {
		return nil
	}
	e.hash, e.count, e.told = hash, count, false
	s.kept[hash] = e
	heap.Push(&s.least, e)
	return e
}

// count counts a key in its buckets, and returns what these say of it.
func (s *Sketch) count(hash uint64) (count uint32) {
	mark := uint32(hash >> 32)
	for i := range s.buckets {
		b := &s.buckets[i][hash>>(16*i)%width]
		switch {
		case b.count == 0:
			*b = bucket{mark, 1}
		case b.mark == mark:
			b.count++
		case s.wears(b.count):
			b.count--
			continue
		default:
			continue
		}
		count = max(count, b.count)
	}
	return count
}

// wears reports whether another key takes one away from a count: the less likely the higher it is.
func (s *Sketch) wears(count uint32) bool {
	return count < uint32(len(wear)) && uint32(s.random.Uint64()) < wear[count]
}

// wear has the probability for each count, of the range of a uint32; beyond it is nothing.
var wear = func() (wear [256]uint32) {
	const base = 1.08
	for count := range wear {
		wear[count] = uint32(math.MaxUint32 * math.Pow(base, -float64(count)))
	}
	return wear
}()

// room returns a place for a key with a count, nil if all that are kept have as much.
func (s *Sketch) room(count uint32) *kept {
	if len(s.least) < MaxKeys {
		return new(kept)
	}
	if s.least[0].count >= count {
		return nil
	}
	e := heap.Pop(&s.least).(*kept)
	delete(s.kept, e.hash)
	return e
}

// A key is hot with a hundredth of the lookups, and no longer with half of that. A thousand lookups
// have to be known of it.
const (
	hotShare   = 0.01
	hotSamples = 16
)

func (s *Sketch) isHot(e *kept) bool {
	return e.count >= hotSamples && float64(e.count) >= hotShare*s.samples
}

// age halves all counts as often as is due.
func (s *Sketch) age(now int64) {
	if s.buckets == nil {
		return
	}
	for next := s.halved + int64(halfLife); next <= now; next += int64(halfLife) {
		if s.samples < 1 { // nothing is left
			s.samples, s.span, s.until, s.halved = 0, 0, now, now
			return
		}
		s.span += float64(next - s.until)
		s.until, s.halved = next, next
		s.halve()
	}
	s.span += float64(now - s.until)
	s.until = now
}

func (s *Sketch) halve() {
	s.samples, s.span = s.samples/2, s.span/2
	for i := range s.buckets {
		for j := range s.buckets[i] {
			s.buckets[i][j].count /= 2
		}
	}
	remaining := s.least[:0]
	for _, e := range s.least {
		if e.count /= 2; e.count < keptFrom/2 {
			delete(s.kept, e.hash)
			continue
		}
		if float64(e.count) < hotShare/2*s.samples {
			e.told = false
		}
		e.place = len(remaining)
		remaining = append(remaining, e)
	}
	clear(s.least[len(remaining):])
	s.least = remaining
	heap.Init(&s.least)
}

// describe says what is known of a key.
func (s *Sketch) describe(e *kept) Key {
	k := Key{Text: string(e.text)}
	k.Share, k.PerSecond = s.rates(e.count)
	return k
}

func (s *Sketch) rates(count uint32) (share, perSecond float64) {
	seconds := max(s.span/float64(time.Second), 1)
	return min(float64(count)/s.samples, 1), float64(count) * Sampling / seconds
}

// leastFirst is a heap.Interface.
type leastFirst []*kept

func (l leastFirst) Len() int           { return len(l) }
func (l leastFirst) Less(i, j int) bool { return l[i].count < l[j].count }

func (l leastFirst) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = i, j
}

func (l *leastFirst) Push(e any) {
	e.(*kept).place = len(*l)
	*l = append(*l, e.(*kept))
}

func (l *leastFirst) Pop() any {
	last := len(*l) - 1
	e := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return e
}
