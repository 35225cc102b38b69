package fleet

import (
	"context"
	"slices"
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
	if slices.ContainsFunc(f.plan.faults, isTopological) {
		f.replaceMasters(ctx, newDice(f.plan.Seed, 1003))
		return
	}
	for _, o := range f.plan.faults {
		if o == evict {
			all.Go(func() { f.evict(ctx, newDice(f.plan.Seed, 1001)) })
			continue
		}
		if o == deployWorker {
			all.Go(func() { f.deploy(ctx, newDice(f.plan.Seed, 1002)) })
			continue
		}
		faults = append(faults, o)
	}
	for len(faults) > 0 {
		if pause(ctx, d.below(80*time.Millisecond)) != nil {
			return
		}
		i := d.IntN(workers)
		switch o := faults[d.IntN(len(faults))]; o {
		case killConnections:
			f.everywhere(o, func(c *redis.Client) error { return c.ClientKillByFilter(context.Background(), "TYPE", "normal").Err() })
		case flushScripts:
			f.everywhere(o, func(c *redis.Client) error { return c.ScriptFlush(context.Background()).Err() })
		case foreignRevoke:
			f.revoke(d.IntN(keyCount))
		case foreignSet, foreignDelete:
			life := foreignLife
			if d.percent(50) {
				life = 0 // none at all
			}
			f.foreignWrite(o, d.IntN(sharedKeys), life) // the other keys are none that it may write
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

// watch tells when a master did not answer for so long that a lease may have ended, until
// ctx ends.
func (f *fleet) watch(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, c := range f.masters {
		all.Go(func() {
			for pause(ctx, f.plan.Lease/50) == nil {
				asked := now()
				_ = c.Ping(context.WithoutCancel(ctx)).Err() // whether it fails or not, this is how long it took
				if at := now(); at.since(asked) > f.plan.Lease/3 {
					f.note(event{kind: stall, process: parent, key: noKey, span: span{asked, at}})
				}
			}
		})
	}
}

// everywhere does something to all masters.
func (f *fleet) everywhere(o op, do func(*redis.Client) error) {
	e := event{kind: fault, op: o, key: noKey, span: span{begin: now()}}
	f.onMasters(do)
	e.end = now()
	f.note(e)
}

// revoke deletes a control key, which is what an eviction could do to it.
func (f *fleet) revoke(key int) {
	e := event{kind: fault, op: foreignRevoke, key: key, span: span{begin: now()}}
	if err := f.rdb.Del(context.Background(), controlKey(keyNames()[key])).Err(); err != nil {
		f.t.Errorf("fleet: DEL: %v", err)
	}
	e.end = now()
	f.note(e)
}

// foreignWrite changes a key as another program does, by its own means of telling
// the cache. That is a write like any other. The register stands still meanwhile:
// what is stored is what it holds.
func (f *fleet) foreignWrite(o op, key int, life time.Duration) {
	ctx := context.Background()
	begin := now()
	f.source.writeAnd(Change{Key: key, Exists: true}, func(r Row) {
		var err error
		name := keyNames()[key]
		if o == foreignDelete {
			err = f.rdb.Del(ctx, redisKey(name), controlKey(name)).Err()
		} else {
			err = f.store(ctx, key, r.Version, life)
		}
		e := event{kind: write, op: o, key: key, version: r.Version, outcome: done, span: span{begin, now()}}
		if err != nil {
			e.outcome = redisFails
			f.t.Errorf("fleet: %v: %v", o, err)
		}
		f.note(e)
	})
}

// foreignLife is that of a value that another program stores, if it has an end. It differs from all
// lives that the caches give, so that the end of the key's life always moves, and is
// longer than any load, so that the value does not vanish without a trace.
const foreignLife = 2 * time.Second

// store puts a value in place without a thought for the control key.
func (f *fleet) store(ctx context.Context, key, version int, life time.Duration) error {
	name, v := redisKey(keyNames()[key]), valueOf(key, version)
	var w codec.Wire
	w.Reset(name)
	if err := codecOf(f.plan.Version, f.plan.List).Encode(&w, &v); err != nil {
		return err
	}
	if !f.plan.List {
		return f.rdb.Set(ctx, name, w.Value(0), life).Err()
	}
	_, err := f.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, name)
		p.RPush(ctx, name, v)
		if life > 0 {
			p.PExpire(ctx, name, life)
		}
		return nil
	})
	return err
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

// deploy restarts one worker after another, from one version of the stored form to the other and
// back, until ctx ends.
func (f *fleet) deploy(ctx context.Context, d dice) {
	for i := 0; pause(ctx, d.below(100*time.Millisecond)) == nil; i = (i + 1) % workers {
		f.restart(i)
	}
}

// restart has a worker end when its calls have returned, and one of the other version take its
// place.
func (f *fleet) restart(i int) {
	s := &f.slots[i]
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.member
	if m == nil {
		return
	}
	e := event{kind: fault, op: deployWorker, key: noKey, process: m.process, span: span{begin: now()}}
	_ = m.stdin.Close()
	f.end(m)
	e.end = now()
	f.note(e)
	s.version = 2*f.plan.Version + 1 - s.version
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
