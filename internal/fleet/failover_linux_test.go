package fleet

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asidecache/aside/internal/redistest"
)

// TestFleetOfAFailover lets a fleet use a cache while masters are replaced and slots move. A
// graceful failover and a migration excuse nothing; the loss of a master, and a master that goes on
// after Sentinels have replaced it, what the replica did not have, and nothing of that where writes
// wait for a replica.
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
			start := func(t *testing.T) *redistest.Instance { return s.Start(t, redistest.Sentinel) }
			playOn(t, *goOnFor/time.Duration(len(servers)), start, watchedPlans)
		})
		t.Run(s.String()+"-cluster", func(t *testing.T) {
			start := func(t *testing.T) *redistest.Instance { return s.StartCalm(t, redistest.Cluster) }
			playOn(t, *goOnFor/time.Duration(len(servers)), start, clusterPlans)
		})
	}
}

// playOn plays the plans of one seed after another, each on servers of its own: a replica of a
// cluster is elected once.
func playOn(
	t *testing.T, least time.Duration,
	start func(*testing.T) *redistest.Instance, plans func(seed uint64) []plan,
) {
	t.Helper()
	for began, seed := time.Now(), firstSeed(); !t.Failed(); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			i := start(t)
			for _, p := range plans(seed) {
				h := play(t, i, p)
				h.judge(t, p)
				tellLosses(t, h, p)
			}
		})
		if time.Since(began) >= least {
			return
		}
	}
}

// tellLosses tells how much of what was read a loss excuses: mostly something, and TestLosses says
// that nothing else is.
func tellLosses(t *testing.T, h *history, p plan) {
	t.Helper()
	forgets := func(o op) bool { return o == forgetLatest || o == replaceMaster }
	if !slices.ContainsFunc(p.faults, forgets) || p.Replicas > 0 {
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

// clusterPlans are those of a cluster.
func clusterPlans(seed uint64) []plan {
	return []plan{
		gracefulPlan(seed), withNear(gracefulPlan(seed)),
		durablePlan(seed), lossPlan(seed), withNear(lossPlan(seed)),
	}
}

// watchedPlan is a plan for a master that Sentinels watch: they replace it while it lives, while it
// is frozen, and when it has died.
func watchedPlan(p plan) plan {
	p.Name += ", Sentinel"
	p.faults = []op{replaceMaster, freezeMaster, killMaster}
	return p
}

// watchedPlans are those of Sentinels: one of them, unless there is time.
func watchedPlans(seed uint64) []plan {
	all := []plan{
		watchedPlan(lossPlan(seed)), watchedPlan(durablePlan(seed)),
		watchedPlan(withNear(lossPlan(seed))), watchedPlan(withNear(durablePlan(seed))),
	}
	if *goOnFor == 0 {
		i := seed % uint64(len(all))
		return all[i : i+1]
	}
	return all
}

// isTopological reports whether a fault is one of a cluster's masters.
func isTopological(o op) bool { return o >= failOver }
