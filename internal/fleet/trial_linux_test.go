package fleet

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asidecache/aside/internal/redistest"
)

var (
	goOnFor = flag.Duration("fleet.for", 0, "how long TestFleet records histories, on all servers together; 0: one of each kind")
	seed    = flag.Uint64("fleet.seed", 0, "what the dice begin with; 0: something else each time")
)

func firstSeed() uint64 {
	if *seed != 0 {
		return *seed
	}
	return rand.Uint64N(1e9)
}

// A stage is a server and how it is put together.
type stage struct {
	server   redistest.Server
	topology redistest.Topology
}

// stages returns each server alone, and a cluster of the last, or of each if there
// is time.
func stages(t *testing.T) (all []stage) {
	t.Helper()
	servers := redistest.Servers(t)
	for i, s := range servers {
		all = append(all, stage{s, redistest.Standalone})
		if i == len(servers)-1 || *goOnFor > 0 {
			all = append(all, stage{s, redistest.Cluster})
		}
	}
	if len(all) == 0 {
		t.Skip("there is no server")
	}
	return all
}

// TestFleet lets a fleet of processes use a cache on real servers, while nothing
// happens and while everything does, and checks what they saw against G1 and G2. Unless it goes on
// for longer, each plan is carried out on half of the stages.
func TestFleet(t *testing.T) {
	all := stages(t)
	for i, s := range all {
		t.Run(fmt.Sprintf("%s-%s", s.server, s.topology), func(t *testing.T) {
			servers := s.server.StartCalm(t, s.topology)
			began := time.Now()
			for seed := firstSeed(); !t.Failed(); seed++ {
				for k, p := range []plan{
					calmPlan(seed, time.Second),
					harmPlan(seed, 2500*time.Millisecond),
					evictionPlan(seed, 2*time.Second),
					calmStalePlan(seed, time.Second),
					stalePlan(seed, 2*time.Second),
					deployPlan(seed, 2500*time.Millisecond),
					nearPlan(seed, 2500*time.Millisecond),
				} {
					if *goOnFor == 0 && (i+k)%2 > 0 {
						continue // the stages share the plans
					}
					h := play(t, servers, p)
					h.judge(t, p)
				}
				if time.Since(began) >= *goOnFor/time.Duration(len(all)) {
					break
				}
			}
		})
	}
}

// TestControls puts caches that are known to be wrong through the same, without any
// faults: the checks have to find them guilty, and the real one innocent.
func TestControls(t *testing.T) {
	servers := stages(t)[0].server.Start(t, redistest.Standalone)
	for _, tt := range []struct {
		subject string
		batches int  // see plan
		writes  bool // and stale reads are looked for; else loads at one time, for which writes would be an excuse
		guilty  bool
	}{
		{naive, 0, true, true},
		{naive, 0, false, true},
		{leaseless, 0, false, true},
		{unsealed, 0, true, true},
		{forgiving, 0, true, true},
		{aside, 0, true, false},
		{naive, 100, true, true},
		{naive, 100, false, true},
		{leaseless, 100, false, true},
		{unsealed, 100, true, true},
		{aside, 100, true, false},
		{apart, 0, true, true},
		{apart, 100, true, true},
	} {
		law, find := "one load", (*history).overlaps
		if tt.writes {
			law, find = "no stale reads", (*history).staleReads
		}
		name := tt.subject
		if tt.batches > 0 {
			name += ", many keys"
		}
		t.Run(name+": "+law, func(t *testing.T) {
			p := controlPlan(tt.subject, tt.batches, tt.writes, firstSeed(), time.Second)
			h := play(t, servers, p)
			violations, _ := find(h)
			t.Logf("%s; %d violations", h.summary(p), len(violations))
			if guilty := len(violations) > 0; guilty != tt.guilty {
				t.Errorf("seed %d: found guilty: %t, want %t", p.Seed, guilty, tt.guilty)
				h.report(t, p, violations)
			}
		})
	}
}

// play lets a fleet go through a plan and returns its history.
func play(t *testing.T, servers *redistest.Instance, p plan) *history {
	t.Helper()
	f := launch(t, servers, p)
	ctx, cancel := context.WithTimeout(t.Context(), p.For)
	defer cancel()
	watching, stopWatching := context.WithCancel(t.Context())
	defer stopWatching()
	var watch sync.WaitGroup
	watch.Go(func() { f.watch(watching) })
	f.harm(ctx)
	<-ctx.Done()
	f.awaitLoads()
	f.stop()
	stopWatching()
	watch.Wait()
	f.findMasters()
	f.inspect()
	return f.history()
}

// awaitLoads waits until every key of the plan was loaded so often: in a calm fleet, again
// whenever it had expired.
func (f *fleet) awaitLoads() {
	f.t.Helper()
	for late := time.Now().Add(endTimeout); !f.source.wasRead(f.plan.Keys, f.plan.Loads); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			f.t.Errorf("%s, seed %d: fewer than %d loads of some key", f.plan.Name, f.plan.Seed, f.plan.Loads)
			return
		}
	}
}

// judge fails the test for all that the history of a real cache must not show.
func (h *history) judge(t *testing.T, p plan) {
	t.Helper()
	stale, excused := h.staleReads()
	overlapping, explained := h.overlaps()
	violations := slices.Concat(stale, overlapping)
	if p.calm() && p.Stale == 0 { // else a key is refreshed before its time
		violations = append(violations, h.early(p.TTL, 2*time.Millisecond)...)
	}
	t.Logf("%s; %d reads excused, %d pairs of loads explained; %d violations",
		h.summary(p), excused, explained, len(violations))
	h.report(t, p, violations)
}

// report tells of violations: in full of the first few that differ in what shows them
// first, such as the write that was not seen.
func (h *history) report(t *testing.T, p plan, violations []violation) {
	t.Helper()
	const inFull = 4
	told := map[event]bool{}
	for _, v := range violations {
		if first := v.by[0]; !told[first] && len(told) < inFull {
			told[first] = true
			t.Errorf("%s, seed %d: %s", p.Name, p.Seed, h.trace(v))
		}
	}
	if len(violations) > len(told) {
		t.Errorf("%s, seed %d: %d violations in all", p.Name, p.Seed, len(violations))
	}
}

// summary says in a line what there was.
func (h *history) summary(p plan) string {
	counts := map[kind]int{}
	faults := map[string]int{}
	acknowledged, many := 0, 0
	for _, e := range h.events {
		counts[e.kind]++
		if e.kind == fault || e.kind == write && e.process == 0 {
			faults[e.op.String()]++
		}
		if e.kind == write && e.outcome == done {
			acknowledged++
		}
		if e.op == getOrSetMany || e.op == getMany {
			many++
		}
	}
	var did []string
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		did = append(did, fmt.Sprintf("%d %s", faults[name], name))
	}
	return fmt.Sprintf("%s, seed %d, %v: %d reads (%d of many keys), %d writes (%d acknowledged), %d loads, %d failures of Redis, %d stalls; faults: %s",
		p.Name, p.Seed, p.For, counts[read], many, counts[write], acknowledged, counts[load], counts[failure], counts[stall], strings.Join(did, ", "))
}
