package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// TestFleetOfAFailover lets a fleet use a cache while masters are replaced and slots move. A
// graceful failover and a migration excuse nothing, the loss of a master what its replica did not
// have, and nothing of that where writes wait for a replica.
func TestFleetOfAFailover(t *testing.T) {
	servers := redistest.Servers(t)
	if len(servers) == 0 {
		t.Skip("there is no server")
	}
	if *goOnFor == 0 {
		servers = servers[len(servers)-1:]
	}
	for _, s := range servers {
		t.Run(s.String()+"-sentinel", func(t *testing.T) {
			p := watchedPlan(firstSeed())
			h := play(t, s.Start(t, redistest.Sentinel), p)
			h.judge(t, p)
		})
		t.Run(s.String()+"-cluster", func(t *testing.T) {
			for began, seed := time.Now(), firstSeed(); !t.Failed(); seed++ {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					i := s.StartCalm(t, redistest.Cluster) // where a replica is elected once
					for _, p := range []plan{
						gracefulPlan(seed), withNear(gracefulPlan(seed)),
						durablePlan(seed), lossPlan(seed), withNear(lossPlan(seed)),
					} {
						h := play(t, i, p)
						h.judge(t, p)
						tellLosses(t, h, p)
					}
				})
				if time.Since(began) >= *goOnFor/time.Duration(len(servers)) {
					break
				}
			}
		})
	}
}

// tellLosses tells how much of what was read a loss excuses: mostly something, and TestLosses says
// that nothing else is.
func tellLosses(t *testing.T, h *history, p plan) {
	t.Helper()
	if !slices.Contains(p.faults, forgetLatest) || p.Replicas > 0 {
		return
	}
	h.losses = nil
	violations, _ := h.staleReads()
	t.Logf("%s, seed %d: %d stale reads of what was lost", p.Name, p.Seed, len(violations))
}

// TestControlOfAFailover has a cache that is known to be wrong found guilty where nothing is
// excused.
func TestControlOfAFailover(t *testing.T) {
	servers := redistest.Servers(t)
	if len(servers) == 0 {
		t.Skip("there is no server")
	}
	p := gracefulPlan(firstSeed())
	p.Name, p.Subject, p.Keys, p.Load = naive, naive, sharedKeys, 50*time.Millisecond
	h := play(t, servers[len(servers)-1].StartCalm(t, redistest.Cluster), p)
	violations, _ := h.staleReads()
	t.Logf("%s; %d violations", h.summary(p), len(violations))
	if len(violations) == 0 {
		t.Errorf("seed %d: found innocent", p.Seed)
	}
}

// gracefulPlan reads and writes while masters give their places to replicas that have all, and
// slots move with their keys.
func gracefulPlan(seed uint64) plan {
	p := harmPlan(seed, 2*time.Second)
	p.Name, p.List = "graceful failovers", false
	p.faults = []op{migrateSlots, failOver, migrateSlots}
	return p
}

// lossPlan is gracefulPlan, of masters that die, are frozen, or have a replica that lags.
func lossPlan(seed uint64) plan {
	p := gracefulPlan(seed)
	p.Name, p.TTL = "lost masters", 2*time.Second // so long does a value come back
	p.faults = []op{killMaster, forgetLatest, freezeMaster}
	return p
}

// durablePlan is lossPlan, with writes that wait for a replica.
func durablePlan(seed uint64) plan {
	p := lossPlan(seed)
	p.Name, p.Replicas = "lost masters, WaitReplicas", 1
	return p
}

// watchedPlan is lossPlan of a single master, which is dead afterwards.
func watchedPlan(seed uint64) plan {
	p := lossPlan(seed)
	p.Name, p.faults = "a lost master, Sentinel", []op{killMaster}
	return p
}

// isTopological reports whether a fault is one of a cluster's masters.
func isTopological(o op) bool { return o >= failOver }

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
		if f.servers.Topology == redistest.Cluster {
			f.servers.AwaitReady(f.t)
		}
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

// lose has a master die or freeze, and its replica in its place some time later.
func (f *fleet) lose(o op, s shard) {
	f.t.Helper()
	l := loss{keys: s.keys, durable: f.plan.Replicas > 0}
	replicated := f.replicated(s)
	if o == forgetLatest {
		_ = pause(f.t.Context(), 100*time.Millisecond)
		f.command(s.master, "acl", "setuser", "default", "-psync", "-sync")
		f.command(s.master, "client", "kill", "type", "replica")
		_ = pause(f.t.Context(), 300*time.Millisecond) // in which it acknowledges what is to be lost
	}
	_ = pause(f.t.Context(), 50*time.Millisecond)
	l.lost = now()
	if o == freezeMaster {
		s.master.Pause(f.t)
	} else {
		s.master.Kill(f.t)
	}
	l.replicated = replicated()
	_ = pause(f.t.Context(), 300*time.Millisecond)
	f.promote(s)
	switch {
	case f.servers.Topology == redistest.Sentinel:
		f.dead = s.master // Sentinels would let it be a master for seconds
	case o == freezeMaster:
		_ = pause(f.t.Context(), 300*time.Millisecond)
		s.master.Resume(f.t)
		f.awaitReplica(s.master)
	default:
		s.master.Restart(f.t)
		f.awaitReplica(s.master)
	}
	l.over = now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.losses = append(f.losses, l)
}

// promote has a replica take the place of a master that does not answer.
func (f *fleet) promote(s shard) {
	f.t.Helper()
	if f.servers.Topology == redistest.Sentinel {
		f.command(f.servers.Sentinels()[0], "sentinel", "failover", f.servers.Options().MasterName)
	} else {
		f.command(s.replica, "cluster", "failover", "takeover")
	}
	f.awaitMaster(s.name(), s.master)
}

// awaitMaster waits until another server is the master of a key, unless a command has failed.
func (f *fleet) awaitMaster(name string, old *redistest.Node) {
	f.t.Helper()
	if !f.t.Failed() {
		f.servers.AwaitMaster(f.t, name, old)
	}
}

// replicated begins to write to a master and to wait for its replica. What it returns ends that,
// and says until when all writes are known to be on the replica.
func (f *fleet) replicated(s shard) (end func() instant) {
	ctx, stop := context.WithCancel(context.Background())
	c := redis.NewClient(&redis.Options{
		Addr: s.master.Addr, MaxRetries: -1, ReadTimeout: 200 * time.Millisecond, DialerRetries: 1,
	})
	var last instant
	var all sync.WaitGroup
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
				last = at
			}
		}
	})
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
		if n == f.dead {
			continue
		}
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
