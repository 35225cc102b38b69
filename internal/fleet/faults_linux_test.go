package fleet

import (
	"context"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// harm lets faults happen, as the dice fall, until ctx ends. It returns when the
// last is over: a worker that was stopped goes on.
func (f *fleet) harm(ctx context.Context) {
	d := newDice(f.plan.Seed, 1000)
	var all sync.WaitGroup
	defer all.Wait()
	faults := make([]op, 0, len(f.plan.faults))
	for _, o := range f.plan.faults {
		if o == evict {
			all.Go(func() { f.evict(ctx, newDice(f.plan.Seed, 1001)) })
			continue
		}
		faults = append(faults, o)
	}
	for len(faults) > 0 {
		if pause(ctx, d.below(80*time.Millisecond)) != nil {
			return
		}
		key, i := d.IntN(keyCount), d.IntN(workers)
		switch o := faults[d.IntN(len(faults))]; o {
		case killConnections:
			f.everywhere(o, func(c *redis.Client) error { return c.ClientKillByFilter(context.Background(), "TYPE", "normal").Err() })
		case flushScripts:
			f.everywhere(o, func(c *redis.Client) error { return c.ScriptFlush(context.Background()).Err() })
		case foreignDelete:
			f.remove(o, key, redisKey(keyNames()[key]), controlKey(keyNames()[key]))
		case foreignRevoke:
			f.remove(o, key, controlKey(keyNames()[key]))
		case foreignSet:
			f.foreignSet(key)
		case killWorker:
			if d.percent(40) {
				all.Go(func() { f.kill(i) })
			}
		case pauseWorker:
			if d.percent(60) {
				frozen := f.plan.Lease + d.below(f.plan.Lease)
				all.Go(func() { f.pause(i, frozen) })
			}
		}
	}
}

// everywhere does something to all masters.
func (f *fleet) everywhere(o op, do func(*redis.Client) error) {
	e := event{kind: fault, op: o, key: noKey, span: span{begin: now()}}
	f.onMasters(do)
	e.end = now()
	f.note(e)
}

// remove deletes Redis keys as another program would. Cut connections make it try
// again: it is noted for the whole time.
func (f *fleet) remove(o op, key int, names ...string) {
	e := event{kind: fault, op: o, key: key, span: span{begin: now()}}
	if err := f.rdb.Del(context.Background(), names...).Err(); err != nil {
		f.t.Errorf("fleet: DEL: %v", err)
	}
	e.end = now()
	f.note(e)
}

// foreignLife is that of a value that another program stores. It differs from all
// lives that the caches give, so that the end of the key's life always moves, and is
// longer than any load, so that the value does not vanish without a trace.
const foreignLife = 2 * time.Second

// foreignSet stores what the register holds, as another program would that has just
// written it. That is a write like any other: the register stands still meanwhile.
func (f *fleet) foreignSet(key int) {
	f.source.hold(key, func(r Row) {
		if !r.Exists {
			return
		}
		name := redisKey(keyNames()[key])
		e := event{kind: write, op: foreignSet, key: key, version: r.Version, outcome: done, span: span{begin: now()}}
		var w codec.Wire
		w.Reset(name)
		v := valueOf(key, r.Version)
		err := codecOf(f.plan.List).Encode(&w, &v)
		if err == nil {
			_, err = f.rdb.TxPipelined(context.Background(), func(p redis.Pipeliner) error {
				if !f.plan.List {
					p.Set(context.Background(), name, w.Value(0), foreignLife)
					return nil
				}
				p.Del(context.Background(), name)
				for i := range w.Len() {
					p.RPush(context.Background(), name, w.Value(i))
				}
				p.PExpire(context.Background(), name, foreignLife)
				return nil
			})
		}
		if err != nil {
			f.t.Errorf("fleet: a foreign SET: %v", err)
			return
		}
		e.end = now()
		f.note(e)
	})
}

// kill ends a worker at once and has a new one take its place.
func (f *fleet) kill(i int) {
	s := &f.slots[i]
	if !s.mu.TryLock() {
		return // something else is being done to it
	}
	defer s.mu.Unlock()
	m := s.member
	if m == nil {
		return
	}
	e := event{kind: fault, op: killWorker, key: noKey, process: m.process, span: span{begin: now()}}
	if err := m.cmd.Process.Kill(); err != nil {
		f.t.Errorf("fleet: kill worker %d: %v", m.process, err)
	}
	<-m.read
	_ = m.cmd.Wait() // it was killed
	if text := m.stderr.String(); strings.Contains(text, "DATA RACE") {
		f.t.Errorf("fleet: worker %d: %s", m.process, text)
	}
	e.end = now()
	f.note(e)
	f.collect(m, e.end)
	s.member = nil
	f.start(i)
}

// pause freezes a worker for so long.
func (f *fleet) pause(i int, frozen time.Duration) {
	s := &f.slots[i]
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	m := s.member
	if m == nil {
		return
	}
	e := event{kind: fault, op: pauseWorker, key: noKey, process: m.process, span: span{begin: now()}}
	err := m.cmd.Process.Signal(syscall.SIGSTOP)
	if err == nil {
		time.Sleep(frozen)
		err = m.cmd.Process.Signal(syscall.SIGCONT)
	}
	if err != nil {
		f.t.Errorf("fleet: stop worker %d: %v", m.process, err)
	}
	e.end = now()
	f.note(e)
}
