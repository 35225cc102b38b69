package fleet

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// A shard is a master and its replica, whose places they may have changed.
type shard struct {
	master, replica *redistest.Node
	keys            []int
}

// shards returns those of the servers, with the keys that each has, those with most keys first: a
// cluster has three, and a master that is watched by Sentinels is one.
func (f *fleet) shards() []shard {
	f.t.Helper()
	nodes := f.servers.Nodes()
	half := len(nodes) / 2
	all := make([]shard, half)
	for j := range all {
		all[j] = shard{master: nodes[j], replica: nodes[j+half]}
		if f.isReplica(nodes[j]) { // the shard may have none of the keys to tell by
			all[j] = shard{master: nodes[j+half], replica: nodes[j]}
		}
	}
	for key, name := range keyNames() {
		master := f.servers.Master(f.t, redisKey(name))
		for j := range all {
			if s := &all[j]; s.master == master {
				s.keys = append(s.keys, key)
			}
		}
	}
	slices.SortFunc(all, func(a, b shard) int { return cmp.Compare(len(b.keys), len(a.keys)) })
	return all
}

// isReplica reports whether a server is one, and not a master.
func (f *fleet) isReplica(n *redistest.Node) bool {
	f.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: n.Addr})
	defer c.Close()
	role, err := c.Do(context.Background(), "role").Slice()
	if err != nil {
		f.t.Errorf("fleet: ROLE: %v", err)
	}
	return err == nil && role[0] == "slave"
}

// replaceMasters lets each of the plan's faults happen once.
func (f *fleet) replaceMasters(ctx context.Context, d dice) {
	f.t.Helper()
	for _, o := range f.plan.faults {
		_ = pause(ctx, 200*time.Millisecond)
		if f.t.Failed() {
			return // nothing that is waited for may come
		}
		f.servers.AwaitReady(f.t)
		all := f.shards()
		full := slices.IndexFunc(all, func(s shard) bool { return len(s.keys) == 0 })
		if full < 0 {
			full = len(all)
		}
		s := all[d.IntN(full)]
		e := event{kind: fault, op: o, key: noKey, span: span{begin: now()}}
		switch o {
		case migrateSlots:
			f.migrate(all[0], all[len(all)-1], d)
		case failOver:
			f.servers.HandOver(f.t, s.name(), s.master, s.replica)
		default:
			f.lose(o, s)
		}
		e.end = now()
		f.note(e)
	}
}

// name is that of one of the keys.
func (s shard) name() string { return redisKey(keyNames()[s.keys[0]]) }

// command sends a command to a server.
func (f *fleet) command(n *redistest.Node, args ...any) {
	f.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: n.Addr})
	defer c.Close()
	if err := c.Do(context.Background(), args...).Err(); err != nil {
		f.t.Errorf("fleet: %v: %v", args, err)
	}
}

// lose has a replica in the place of a master some time after that has died or was frozen, or at
// once while it lives; and awaits that the old one is a replica.
func (f *fleet) lose(o op, s shard) {
	f.t.Helper()
	l := loss{keys: s.keys, durable: f.plan.Replicas > 0}
	replicated := f.replicated(s)
	if o == forgetLatest {
		f.command(s.master, "acl", "setuser", "default", "-psync", "-sync")
		f.command(s.master, "client", "kill", "type", "replica")
		_ = pause(f.t.Context(), 300*time.Millisecond) // in which it acknowledges what is to be lost
	}
	_ = pause(f.t.Context(), 50*time.Millisecond)
	l.lost = now()
	switch o {
	case replaceMaster:
	case freezeMaster:
		s.master.Pause(f.t)
	default:
		s.master.Kill(f.t)
	}
	if o != replaceMaster {
		_ = pause(f.t.Context(), 300*time.Millisecond)
	}
	f.promote(s)
	l.replicated = replicated()
	switch o {
	case replaceMaster:
	case freezeMaster:
		_ = pause(f.t.Context(), 300*time.Millisecond)
		s.master.Resume(f.t)
	default:
		s.master.Restart(f.t)
	}
	f.awaitReplica(s.master)
	l.over = now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.losses = append(f.losses, l)
}

// promote has a replica take the place of a master.
func (f *fleet) promote(s shard) {
	f.t.Helper()
	if f.servers.Topology == redistest.Cluster {
		f.command(s.replica, "cluster", "failover", "takeover")
		f.awaitMaster(s.name(), s.master)
		return
	}
	f.sentinelsLook(10 * time.Second) // the default: they promote nothing that they know less of
	f.command(f.servers.Sentinels()[0], "sentinel", "failover", f.servers.Options().MasterName)
	f.awaitMaster(s.name(), s.master)
	f.sentinelsLook(100 * time.Millisecond)
}

// sentinelsLook sets how often Sentinels ask servers who they are, and has them tell each other so
// often that they make a replica of the old master within a second. By default that takes them
// 11 s, which half of the seeds wait for if there is time.
func (f *fleet) sentinelsLook(every time.Duration) {
	f.t.Helper()
	if *goOnFor > 0 && f.plan.Seed%2 == 1 {
		return
	}
	for _, n := range f.servers.Sentinels() {
		f.command(n, "sentinel", "debug", "info-period", every.Milliseconds(), "publish-period", 100)
	}
}

// awaitMaster waits until another server is the master of a key, unless a command has failed.
func (f *fleet) awaitMaster(name string, old *redistest.Node) {
	f.t.Helper()
	if !f.t.Failed() {
		f.servers.AwaitMaster(f.t, name, old)
	}
}

// replicated begins to write to a master and to wait for its replica, which it returns after it has
// seen once. What it returns ends that, and says until when all writes are known to be on the
// replica.
func (f *fleet) replicated(s shard) (end func() instant) {
	f.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	c := redis.NewClient(&redis.Options{
		Addr: s.master.Addr, MaxRetries: -1, ReadTimeout: 200 * time.Millisecond, DialerRetries: 1,
	})
	var last instant
	var all sync.WaitGroup
	begun := make(chan struct{})
	all.Go(func() {
		conn := c.Conn() // WAIT is for the writes of its connection, and those before
		defer conn.Close()
		for pause(ctx, time.Millisecond) == nil {
			at := now()
			if conn.Set(ctx, "tick{"+s.name()+"}", "", time.Second).Err() != nil {
				continue
			}
			// Not by Conn.Wait, which waits ten seconds more for the answer of a frozen server.
			if n, err := conn.Do(ctx, "wait", 1, 100).Int(); err == nil && n > 0 {
				if last == 0 {
					close(begun)
				}
				last = at
			}
		}
	})
	select {
	case <-begun:
	case <-time.After(endTimeout):
		f.t.Errorf("fleet: %s has no replica that follows", s.master.Addr)
	}
	return func() instant {
		stop()
		all.Wait()
		_ = c.Close()
		return last
	}
}

// awaitReplica waits until a server knows that it is no master.
func (f *fleet) awaitReplica(n *redistest.Node) {
	f.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: n.Addr})
	defer c.Close()
	for late := time.Now().Add(endTimeout); ; time.Sleep(time.Millisecond) {
		role, err := c.Do(context.Background(), "role").Slice()
		if err == nil && role[0] == "slave" {
			return
		}
		if time.Now().After(late) {
			f.t.Errorf("fleet: %s is still a master: %v, %v", n.Addr, role, err)
			return
		}
	}
}

// findMasters makes clients of the servers that are masters now.
func (f *fleet) findMasters() {
	f.t.Helper()
	f.masters = nil
	for _, n := range f.servers.Nodes() {
		c := redis.NewClient(&redis.Options{Addr: n.Addr})
		f.t.Cleanup(func() { _ = c.Close() })
		role, err := c.Do(f.t.Context(), "role").Slice()
		if err != nil {
			f.t.Errorf("fleet: ROLE: %v", err)
		} else if role[0] == "master" {
			f.masters = append(f.masters, c)
		}
	}
}
