package hotkeys

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var users = Owner{Name: "user"}

// sketch is one whose choices are always the same.
func sketch() *Sketch { return &Sketch{random: rand.NewPCG(1, 2)} }

// record records some lookups of a key.
func record(s *Sketch, o Owner, text string, times int, now time.Duration) (events []Key) {
	for range times {
		if k, hot := s.Record(o, text, int64(now)); hot {
			events = append(events, k)
		}
	}
	return events
}

func texts(keys []Key) (texts []string) {
	for _, k := range keys {
		texts = append(texts, k.Text)
	}
	return texts
}

// Of the lookups of a million keys a sample names the ten that are looked up most, in their order
// but for neighbours, with about their shares.
func TestZipf(t *testing.T) {
	const lookups = 20_000_000
	s, random := sketch(), rand.New(rand.NewPCG(3, 4))
	zipf := rand.NewZipf(random, 1.1, 1, 1_000_000)
	var all [10]int
	for n := range lookups {
		key := zipf.Uint64()
		if key < 10 {
			all[key]++
		}
		if Sampled(random.Uint32()) {
			s.Record(users, strconv.FormatUint(key, 10), int64(n)) // 20 ms in all
		}
	}
	keys := s.Keys(users, lookups)
	if len(keys) > MaxKeys || len(keys) < MaxKeys/2 {
		t.Errorf("%d keys", len(keys))
	}
	for key, n := range all {
		i := slices.Index(texts(keys), strconv.Itoa(key))
		if i < 0 || i > key+1 || i < key-1 {
			t.Errorf("key %d is in place %d", key, i)
			continue
		}
		share := float64(n) / lookups
		if got := keys[i].Share; got < 0.9*share || got > 1.1*share {
			t.Errorf("key %d has a share of %.4f, want %.4f", key, got, share)
		}
	}
}

// A million keys that are looked up once take no more memory than a thousand, and leave those that
// are looked up often.
func TestBounds(t *testing.T) {
	s, often := sketch(), strings.Repeat("x", 10*MaxText)
	for i := range 1_000_000 {
		s.Record(users, strconv.Itoa(i), 0)
		if i%100 == 0 {
			s.Record(users, often, 0)
		}
	}
	if len(s.kept) > MaxKeys || len(s.kept) != len(s.least) {
		t.Errorf("%d keys are kept, %d of them in order", len(s.kept), len(s.least))
	}
	for _, e := range s.least {
		if cap(e.text) > 2*MaxText {
			t.Errorf("the text of a key takes %d bytes", cap(e.text))
		}
	}
	if got := s.Keys(users, 0); len(got) == 0 || got[0].Text != often[:MaxText] {
		t.Errorf("the first key of %d is not the one that is looked up often", len(got))
	}
	s = sketch()
	for i := range 5 * MaxKeys {
		record(s, users, strconv.Itoa(i), keptFrom+i/MaxKeys, 0)
	}
	if len(s.kept) != MaxKeys || len(s.least) != MaxKeys {
		t.Errorf("%d keys are kept, want %d", len(s.kept), MaxKeys)
	}
	wantOrder(t, s)
}

// wantOrder checks that the key with the fewest lookups is found first.
func wantOrder(t *testing.T, s *Sketch) {
	t.Helper()
	for i, e := range s.least {
		if e.place != i || s.kept[e.hash] != e || i > 0 && e.count < s.least[(i-1)/2].count {
			t.Fatalf("the heap is in disorder at %d", i)
		}
	}
}

// A key that comes late is named when it has more lookups than another one that is, and not before.
func TestNewcomers(t *testing.T) {
	s := sketch()
	for i := range 1_000_000 {
		s.Record(users, strconv.Itoa(i), 0)
	}
	if record(s, users, "late", 200, 0); !s.Has("late", 0) {
		t.Error("where all were looked up once it is not named")
	}
	s = sketch()
	for i := range MaxKeys {
		record(s, users, strconv.Itoa(i), 60+i%40, 0)
	}
	wantOrder(t, s)
	for i := range MaxKeys {
		if !s.Has(strconv.Itoa(i), 0) {
			t.Fatalf("key %d of as many as there may be is not named", i)
		}
	}
	for i := range 100 {
		if record(s, users, fmt.Sprint("late", i), 30, 0); s.Has(fmt.Sprint("late", i), 0) {
			t.Fatal("where all have more it is named")
		}
	}
	s.least[0].told = true
	if e := record(s, users, "late0", 3000, 0); !s.Has("late0", 0) || len(s.kept) != MaxKeys || len(e) != 1 {
		t.Errorf("where all have less it is not named, or not told of: %+v", e)
	}
}

// A key that is no longer looked up leaves, whether others are looked up or none; what is looked
// up as often as before keeps its share and its rate.
func TestAging(t *testing.T) {
	for name, others := range map[string]bool{"beside others": true, "alone": false} {
		t.Run(name, func(t *testing.T) {
			s := sketch()
			record(s, users, "yesterday", 1000, 0)
			if !s.Has("yesterday", 0) {
				t.Fatal("it is not there")
			}
			var now time.Duration
			for now < 20*time.Minute {
				now += time.Second
				if others {
					record(s, users, "today", 10, now)
				}
			}
			if s.Has("yesterday", int64(now)) {
				t.Error("it is still there")
			}
			if !others {
				if record(s, users, "new", 1000, now); s.Keys(users, int64(now))[0].Share != 1 {
					t.Errorf("%+v", s.Keys(users, int64(now)))
				}
				return
			}
			got := s.Keys(users, int64(now))
			if len(got) != 1 || got[0].Share < 0.95 || got[0].PerSecond < 9*Sampling || got[0].PerSecond > 11*Sampling {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A night without a lookup ages what was there as lookups do.
func TestIdleNight(t *testing.T) {
	s := sketch()
	record(s, users, "yesterday", 10_000_000, 0)
	night := 8 * time.Hour
	if keys, share := s.Sum(users, int64(night)); keys != 0 || share != 0 {
		t.Errorf("%d keys, %v", keys, share)
	}
	record(s, users, "today", 100, night+time.Second)
	got := s.Keys(users, int64(night+2*time.Second))
	if len(got) != 1 || got[0].Share != 1 || got[0].PerSecond != 50*Sampling {
		t.Errorf("%+v", got)
	}
}

// It is said once that a key is hot, and again when it was not in between.
func TestHot(t *testing.T) {
	s := sketch()
	if e := record(s, users, "few", hotSamples-1, 0); e != nil {
		t.Errorf("after %d: %+v", hotSamples-1, e)
	}
	e := record(s, users, "few", 1000, 0)
	if len(e) != 1 || e[0] != (Key{Text: "few", Share: 1, PerSecond: hotSamples * Sampling}) {
		t.Errorf("%+v", e)
	}
	for i := range 200 { // half a percent each
		if e := record(s, users, strconv.Itoa(i), 500, time.Second); i >= 100 && e != nil {
			t.Errorf("with less than a percent: %+v", e)
		}
	}
	if e := record(s, users, "few", 2000, time.Second); e != nil {
		t.Errorf("while it is hot: %+v", e)
	}
	for i := range 5 { // it cools down
		record(s, users, "other", 100_000, time.Duration(i)*halfLife)
	}
	if e := record(s, users, "few", 20_000, 5*halfLife); len(e) != 1 {
		t.Errorf("when it is hot again: %+v", e)
	}
}

// Each owner has its own keys, and all have one whole.
func TestOwners(t *testing.T) {
	s, newer := sketch(), Owner{Name: "user", Version: 1}
	record(s, users, "user:1", 30, 0)
	record(s, newer, "user@1{user:1}", 60, 0)
	record(s, users, "user:2", 10, 0)
	got := s.Keys(users, 0)
	if fmt.Sprint(texts(got)) != "[user:1 user:2]" || got[0].Share != 0.3 || got[1].Share != 0.1 {
		t.Errorf("%+v", got)
	}
	if keys, share := s.Sum(newer, 0); keys != 1 || share != 0.6 {
		t.Errorf("%d, %v", keys, share)
	}
	if keys, share := s.Sum(Owner{Name: "order"}, 0); keys != 0 || share != 0 {
		t.Errorf("%d, %v", keys, share)
	}
}

// One lookup of 64 is sampled.
func TestSampled(t *testing.T) {
	n := 0
	for i := range 1 << 16 {
		if Sampled(uint32(i) << 16) {
			n++
		}
	}
	if n != 1<<16/Sampling {
		t.Errorf("%d", n)
	}
}

// A sketch that is not used is nothing, and one that is full allocates nothing more.
func TestMemory(t *testing.T) {
	var unused Sketch
	if unused.Has("k", 1) || unused.Keys(users, 1) != nil || unused.buckets != nil {
		t.Error("an unused sketch has something")
	}
	s, names := sketch(), make([]string, 4*MaxKeys)
	for i := range names {
		names[i] = fmt.Sprintf("user:%04d", i)
	}
	i := 0
	next := func() {
		i++
		s.Record(users, names[i%len(names)], 0)
		s.Record(users, names[i%100], 0)
	}
	for range 1_000_000 {
		next()
	}
	if n := testing.AllocsPerRun(10_000, next); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Many record, and others ask, at once.
func TestConcurrent(t *testing.T) {
	s := new(Sketch)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 20_000 {
				now := int64(i) * int64(10*time.Millisecond)
				s.Record(users, strconv.Itoa(i%(10+g)), now)
				switch i % 100 {
				case 0:
					s.Keys(users, now)
				case 1:
					s.Sum(users, now)
				}
				s.Has("3", now)
			}
		})
	}
	all.Wait()
	if len(s.Keys(users, s.until)) < 10 {
		t.Errorf("%+v", s.Keys(users, s.until))
	}
}

// The caches of a client have one sketch.
func TestOf(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{})
	defer rdb.Close()
	s := Of(rdb)
	if Of(rdb) != s {
		t.Error("a client has two")
	}
	runtime.KeepAlive(s)
}

func BenchmarkRecord(b *testing.B) {
	s, zipf := sketch(), rand.NewZipf(rand.New(rand.NewPCG(3, 4)), 1.1, 1, 1_000_000)
	names := make([]string, 1<<16)
	for i := range names {
		names[i] = "user:" + strconv.FormatUint(zipf.Uint64(), 10)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Record(users, names[i%len(names)], int64(i))
	}
}
