package model

import (
	"strings"
	"testing"
)

// A variant is a world in which a promise is broken: because a rule is, or because the
// rules do not reach so far.
type variant struct {
	name  string
	rules Protocol
	setup Setup
	want  Breach
	steps []string // of a shortest way there, the last one among them
}

// Each of these differs from the protocol by one rule, and must be found guilty.
var variants = []variant{
	{"no token check", Protocol{NoTokenCheck: true},
		Setup{Readers: []int{1}, Calls: 1, Writes: []Write{Delete}},
		LateFill, []string{"reads v1", "v2 is acknowledged", "commit stores v1"}},
	{"one token for all acquisitions of a client", Protocol{TokenPerClient: true},
		Setup{Readers: []int{1, 1}, Calls: 1, Writes: []Write{Delete}},
		LateFill, []string{"process 1: its load reads v1", "v2 is acknowledged", "process 2: its acquire is granted", "process 1: its commit stores v1"}},
	{"version fence", Protocol{VersionFence: true},
		Setup{Readers: []int{1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Losses: 1}},
		LateFill, []string{"reads v1", "v2 is acknowledged", "control key expires", "commit stores v1"}},
	{"renewal without a look", Protocol{RenewRecreates: true},
		Setup{Readers: []int{1}, Calls: 1, Writes: []Write{Delete}},
		LateFill, []string{"reads v1", "v2 is acknowledged", "renewal is executed", "commit stores v1"}},
	{"release without a look", Protocol{BlindRelease: true},
		Setup{Refreshers: 1, Mark: true, Missing: 1 << 1, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Failures: 1}},
		StaleAtRest, []string{"load fails", "v2 is acknowledged", "release is executed"}},

	{"lease that is not renewed", Protocol{NoRenewal: true},
		Setup{Readers: []int{1, 1}, Calls: 1, OneLoad: true},
		SecondLoad, []string{"begins to load", "the lease ends", "begins to load"}},
	{"lease that is overwritten", Protocol{OverwritesLease: true},
		Setup{Readers: []int{1, 1}, Calls: 1, OneLoad: true},
		SecondLoad, []string{"begins to load", "acquire is granted", "begins to load"}},
	{"lease without a life", Protocol{EndlessLease: true},
		Setup{Readers: []int{1, 1}, Calls: 1, Faults: Faults{Kills: 1}},
		EndlessWait, []string{"acquire is granted", "dies"}},

	{"lease that is waited for however long it lives", Protocol{WaitsOutLease: true},
		Setup{Readers: []int{1, 1}, Calls: 1, Faults: Faults{Kills: 1, Jumps: 1}},
		EndlessWait, []string{"acquire is granted", "dies", "clock goes back"}},
	{"lease that is not asked for anew", Protocol{OnlyPolls: true},
		Setup{Readers: []int{1, 1}, Calls: 1, Faults: Faults{Kills: 1, Jumps: 1}},
		EndlessWait, []string{"acquire finds another's lease", "clock goes back"}},
	{"element write that does not see a lease with a mark", Protocol{MissesMarkedLease: true},
		Setup{Refreshers: 1, Mark: true, Missing: 1<<1 | 1<<2, Calls: 1, Writes: []Write{Pop}},
		LateFill, []string{"reads v1", "pop is executed, v2 is acknowledged", "commit stores v1"}},

	{"commit over another value", Protocol{OverwritesValue: true},
		Setup{Readers: []int{1}, Calls: 1, Writes: []Write{ForeignSet}},
		LateFill, []string{"reads v1", "foreign SET is executed", "commit stores v1"}},
	{"refresh over another value", Protocol{OverwritesValue: true},
		Setup{Refreshers: 1, Value: true, Calls: 1, Writes: []Write{ForeignSet}},
		LateFill, []string{"reads v1", "foreign SET is executed", "commit stores v1"}},
	{"refresh of a value that has gone", Protocol{RevivesValue: true},
		Setup{Refreshers: 1, Value: true, Calls: 1, Writes: []Write{ForeignDel}},
		LateFill, []string{"reads v1", "foreign DEL of the value is executed", "commit stores v1"}},
	{"load older than its lease", Protocol{ReusesLoad: true},
		Setup{Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete}},
		LateFill, []string{"reads v1", "v2 is acknowledged", "commit is refused", "commit of v1 again", "commit stores v1"}},
	{"delete that begins with the value", Protocol{Delete: ValueFirst},
		Setup{Readers: []int{1}, Calls: 1, Writes: []Write{Delete}},
		StaleAtRest, []string{"reads v1", "first half", "commit stores v1", "v2 is acknowledged"}},

	{"no seal", Protocol{NoSeal: true},
		Setup{Readers: []int{2}, Calls: 1, Writes: []Write{Delete}},
		StaleReturn, []string{"reads v1", "commit stores v1", "v2 is acknowledged", "joins", "hears that v1 is valid"}},
	{"no seal on what acquire finds", Protocol{NoSeal: true},
		Setup{Readers: []int{2}, Mark: true, Missing: 1 << 1, Calls: 1, Writes: []Write{Delete}},
		StaleReturn, []string{"finds the mark of v1", "v2 is acknowledged", "joins", "hears that v1 is valid"}},
	{"refused load shared", Protocol{SharesRefused: true},
		Setup{Readers: []int{2}, Calls: 1, Writes: []Write{Delete}},
		StaleReturn, []string{"reads v1", "v2 is acknowledged", "joins", "commit is refused", "hears of the refusal"}},
	{"load shared with who joins while it runs", Protocol{EarlyUntilLoadEnds: true},
		Setup{Readers: []int{2}, Calls: 1, Writes: []Write{Delete}},
		StaleReturn, []string{"reads v1", "v2 is acknowledged", "joins", "load ends", "commit is refused", "hears of the refusal"}},
	{"load without a lease shared", Protocol{SharesUncached: true},
		Setup{Readers: []int{2}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Timeouts: 1}},
		StaleReturn, []string{"loads without a lease", "reads v1", "v2 is acknowledged", "joins", "load ends"}},
	{"refresh that ends with what is stale", Protocol{SharesStale: true},
		Setup{Readers: []int{2}, Value: true, Stale: true, Calls: 1, Writes: []Write{Delete}},
		StaleReturn, []string{"finds v1 stale", "v2 is acknowledged", "joins", "lease beside nothing", "and ends"}},
	{"delete that leaves what is stale", Protocol{KeepsStale: true},
		Setup{Readers: []int{1}, Value: true, Stale: true, Calls: 1, Writes: []Write{Delete}},
		StaleAtRest, []string{"v2 is acknowledged"}},
	{"refresh in the background of a value that has gone", Protocol{RevivesValue: true},
		Setup{Readers: []int{1}, Value: true, Stale: true, Calls: 1, Writes: []Write{ForeignDel}},
		LateFill, []string{"begins a refresh", "reads v1", "foreign DEL of the value is executed", "commit stores v1"}},
	{"refresh in the background over another value", Protocol{OverwritesValue: true},
		Setup{Readers: []int{1}, Value: true, Stale: true, Calls: 1, Writes: []Write{ForeignSet}},
		LateFill, []string{"begins a refresh", "reads v1", "foreign SET is executed", "commit stores v1"}},
	{"control key of each version", Protocol{ControlPerVersion: true},
		Setup{Readers: []int{1}, Calls: 1, Writes: []Write{Delete}, SecondWriters: 1},
		LateFill, []string{"reads v1", "v2 is acknowledged", "commit stores v1"}},
	{"refresh beside another version's control key", Protocol{ControlPerVersion: true},
		Setup{Refreshers: 1, Calls: 1, Writes: []Write{Set}, SecondWriters: 1},
		LateFill, []string{"reads v1", "v2 is acknowledged", "commit stores v1"}},
	{"mark of each version", Protocol{ControlPerVersion: true},
		Setup{Readers: []int{1}, Mark: true, Missing: 1 << 1, Calls: 1, Writes: []Write{Set}, SecondWriters: 1},
		StaleAtRest, []string{"Set is executed"}},
	{"write that leaves the other version", Protocol{LeavesOthers: true},
		Setup{Readers: []int{1}, Value: true, Calls: 1, Writes: []Write{Delete}, SecondWriters: 1},
		StaleAtRest, []string{"v2 is acknowledged"}},
	{"mark not looked for again", Protocol{LooksForValueOnly: true},
		Setup{Readers: []int{2}, Mark: true, Missing: 1 << 1, Calls: 3, OneLoad: true},
		SecondLoad, []string{"finds the mark of v1", "loads for itself"}},
	{"acquire whose first copy comes late", Protocol{Retry: SameToken},
		Setup{Readers: []int{1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Late: 1}},
		LateFill, []string{"sends it again", "reads v1", "v2 is acknowledged", "nobody waits for it any more: its acquire is granted", "commit stores v1"}},
}

// The protocol does not reach so far: these are its limits.
var limits = []variant{
	{"foreign DEL of a value that is being loaded", Protocol{},
		Setup{Readers: []int{1}, Calls: 1, Writes: []Write{ForeignDelAny}},
		LateFill, []string{"reads v1", "foreign DEL of the value is executed", "commit stores v1"}},
	{"foreign SET and DEL during one load", Protocol{},
		Setup{Readers: []int{1}, Calls: 1, Writes: []Write{ForeignSet, ForeignDel}},
		LateFill, []string{"reads v1", "foreign SET is executed", "foreign DEL of the value is executed", "commit stores v1"}},
	{"foreign SET that is lost during the load", Protocol{},
		Setup{Readers: []int{1}, Calls: 1, Writes: []Write{ForeignSet}, Faults: Faults{Losses: 1}},
		LateFill, []string{"reads v1", "foreign SET is executed", "value expires", "commit stores v1"}},
	{"foreign SET to the expiry of what a refresh replaces", Protocol{},
		Setup{Refreshers: 1, Value: true, Calls: 1, Writes: []Write{ForeignSetTo}},
		LateFill, []string{"reads v1", "foreign SET to the same expiry is executed", "commit stores v1"}},
	{"foreign SET over a mark", Protocol{},
		Setup{Readers: []int{1}, Mark: true, Missing: 1 << 1, Calls: 1, Writes: []Write{ForeignSet}},
		StaleAtRest, []string{"foreign SET is executed"}},
}

func TestVariants(t *testing.T) {
	skipWithRace(t)
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			v.convict(t)
			if r := Explore(Protocol{}, v.setup); r.Breach != None {
				t.Errorf("without the variant: %v", r)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	for _, v := range limits {
		t.Run(v.name, v.convict)
	}
}

func (v variant) convict(t *testing.T) { Explore(v.rules, v.setup).convict(t, v.want, v.steps) }

// convict checks that the breach is found, and that it comes about as it should.
func (r Report) convict(t *testing.T, want Breach, steps []string) {
	t.Helper()
	t.Logf("%d steps, %v", len(r.Trace)-1, r)
	if r.Breach != want {
		t.Fatalf("found: %v; want: %v", r.Breach, want)
	}
	last := steps[len(steps)-1]
	if !strings.Contains(r.Trace[len(r.Trace)-1], last) {
		t.Errorf("the way does not end with %q", last)
	}
	rest := r.Trace
	for _, s := range steps {
		for len(rest) > 0 && !strings.Contains(rest[0], s) {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			t.Fatalf("the way lacks %q, or has it too early", s)
		}
		rest = rest[1:]
	}
}

// What has to happen for the version fence to fail is that it is lost.
func TestVersionFenceWithoutLosses(t *testing.T) {
	if r := Explore(Protocol{VersionFence: true}, Setup{Readers: []int{1, 1}, Calls: 1, Writes: []Write{Delete, Delete}}); r.Breach != None {
		t.Error(r)
	}
}
