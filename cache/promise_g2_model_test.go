package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/internal/redistest"
)

// TestG2RandomInterleavings lets readers and writers of one row meet in every
// order that random delays of requests, answers and loads bring about, and checks
// each answer against a register: no call returns a state of the row that was over
// before the last write that had returned when the call began. With leases there are
// several caches, as in several processes, and what Redis keeps of them gets lost.
func TestG2RandomInterleavings(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, env *redistest.Env) {
				f, random := newFaults(t, env), newDice(seed)
				f.delay(func(string) time.Duration { return random.below(3) }, func() time.Duration { return random.below(6) })
				absentTTL := time.Duration(0)
				if seed%3 == 0 {
					absentTTL = cache.Off
				}
				m := &model{t: t, random: random, row: &row{exists: []bool{true}}}
				processes, lease := 1, cache.Off
				if seed%4 > 0 {
					processes, lease = 3, time.Duration(seed%5)*50*time.Millisecond // 0: the default
				}
				for range processes {
					m.caches = append(m.caches, open(t, f.client(t), cache.Config[string, int]{AbsentTTL: absentTTL, Lease: lease, RedisTimeout: time.Minute}))
				}
				var wg sync.WaitGroup
				if processes > 1 {
					wg.Go(func() { m.repeat(20, func() { m.lose(env.Client) }) })
				}
				for range 6 {
					wg.Go(func() { m.repeat(15, m.read) })
				}
				writers := 1
				if seed%2 == 0 { // several writers only where their order does not matter
					writers = 3
				}
				for range writers {
					wg.Go(func() { m.repeat(10, func() { m.write(writers == 1) }) })
				}
				wg.Wait()
			})
		})
	}
}

// A model is a cache, its source, and what uses them.
type model struct {
	t      *testing.T
	random *dice
	caches []*cache.Cache[string, int]
	row    *row
}

// A row is the source: its value is the number of its version.
type row struct {
	mu     sync.Mutex
	exists []bool // of each version
	floor  int    // the oldest version that may still be seen by a caller now
}

func (r *row) now() (version int, exists bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.exists) - 1, r.exists[len(r.exists)-1]
}

func (r *row) change(exists bool) (version int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exists = append(r.exists, exists)
	return len(r.exists) - 1
}

// over says that the write of a version has returned.
func (r *row) over(version int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.floor = max(r.floor, version)
}

func (r *row) oldest() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.floor
}

func (m *model) repeat(times int, do func()) {
	for range times {
		time.Sleep(m.random.below(20))
		do()
	}
}

var errSource = errors.New("the source failed")

// load reads the row at some moment of the time it takes.
func (m *model) load(ctx context.Context, _ string) (int, error) {
	time.Sleep(m.random.below(10))
	version, exists := m.row.now()
	time.Sleep(m.random.below(20))
	switch {
	case m.random.n(10) == 0:
		return 0, errSource
	case !exists:
		return 0, cache.ErrNotFound
	}
	return version, ctx.Err()
}

// any returns the cache of some process.
func (m *model) any() *cache.Cache[string, int] { return m.caches[m.random.n(len(m.caches))] }

// lose lets Redis forget something, as an eviction does.
func (m *model) lose(rdb redis.UniversalClient) {
	key := m.caches[0].RedisKey("k")
	if err := rdb.Del(m.t.Context(), []string{key, control(key)}[m.random.n(2)]).Err(); err != nil {
		m.t.Error(err)
	}
}

func (m *model) read() {
	floor := m.row.oldest()
	switch m.random.n(6) {
	case 0:
		v, ok, err := m.any().Get(m.t.Context(), "k")
		if err != nil || ok {
			m.check("Get", floor, v, err)
		}
	case 1:
		e, err := m.any().Entry(m.t.Context(), "k")
		if e.State == cache.Absent {
			err = cache.ErrNotFound
		}
		if err != nil || e.State != cache.Missing {
			m.check("Entry", floor, e.Value, err)
		}
	case 2: // a caller that leaves early
		ctx, cancel := context.WithTimeout(m.t.Context(), m.random.below(40))
		defer cancel()
		v, err := m.any().GetOrSet(ctx, "k", m.load)
		if !errors.Is(err, context.DeadlineExceeded) {
			m.check("GetOrSet with a deadline", floor, v, err)
		}
	default:
		v, err := m.any().GetOrSet(m.t.Context(), "k", m.load)
		m.check("GetOrSet", floor, v, err)
	}
}

// check fails the test unless the answer is that of a version from floor on.
func (m *model) check(what string, floor, v int, err error) {
	m.row.mu.Lock()
	defer m.row.mu.Unlock()
	switch {
	case err == errSource:
	case errors.Is(err, cache.ErrNotFound):
		if !slices.Contains(m.row.exists[floor:], false) {
			m.t.Errorf("%s says that the row does not exist; it has since version %d, which was written before", what, floor)
		}
	case err != nil:
		m.t.Errorf("%s: %v", what, err)
	case v < floor:
		m.t.Errorf("%s = version %d, but version %d was written before", what, v, floor)
	}
}

// write changes the row and tells the cache in one of the ways there are. Only a
// lone writer may use those that store something.
func (m *model) write(alone bool) {
	ctx, kind := m.t.Context(), 0
	if alone {
		kind = m.random.n(9)
	}
	version := m.row.change(kind != 2 && kind != 7 && m.random.n(4) > 0 || kind == 1 || kind == 3 || kind == 8)
	var err error
	switch kind {
	case 0:
		err = m.any().Delete(ctx, "k")
	case 1:
		err = m.any().Set(ctx, "k", version)
	case 2:
		err = m.any().SetAbsent(ctx, "k", cache.TTL(time.Minute))
	case 3:
		if err = m.any().Delete(ctx, "k"); err == nil {
			_, err = m.any().SetIfAbsent(ctx, "k", version)
		}
	case 4:
		if _, err = m.any().Refresh(ctx, "k", m.load); errors.Is(err, cache.ErrNotFound) {
			err = nil
		}
	case 5:
		err = m.any().Delete(ctx, "other", "k")
	case 6, 7, 8:
		var p collection.Pipeline
		q := m.any().In(&p)
		q.Get("k")
		switch kind {
		case 6:
			q.Delete("k")
		case 7:
			q.SetAbsent("k", cache.TTL(time.Minute))
		case 8:
			q.Set("k", version)
		}
		err = p.Exec(ctx)
	}
	switch {
	case err == nil:
		m.row.over(version)
	case err != errSource:
		m.t.Errorf("write of kind %d: %v", kind, err)
	}
}
