package model

import "testing"

type variant struct {
	name  string
	rules Protocol
	setup Setup
	want  Breach
}

var variants = []variant{
	{"no token check", Protocol{NoTokenCheck: true}, Setup{Readers: []int{1}, Calls: 1, Writes: []Write{Delete}}, LateFill},
	{"token per client", Protocol{TokenPerClient: true}, Setup{Readers: []int{1, 1}, Calls: 1, Writes: []Write{Delete}}, LateFill},
	{"version fence", Protocol{VersionFence: true}, Setup{Readers: []int{1, 1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Losses: 1}}, LateFill},
	{"version fence without losses", Protocol{VersionFence: true}, Setup{Readers: []int{1, 1}, Calls: 1, Writes: []Write{Delete}}, None},
	{"no renewal", Protocol{NoRenewal: true}, Setup{Readers: []int{1, 1}, Calls: 1, OneLoad: true}, SecondLoad},
	{"overwritten lease", Protocol{OverwritesLease: true}, Setup{Readers: []int{1, 1}, Calls: 1, OneLoad: true}, SecondLoad},
	{"endless lease", Protocol{EndlessLease: true}, Setup{Readers: []int{1, 1}, Calls: 1, Faults: Faults{Kills: 1}}, EndlessWait},
	{"renewal recreates", Protocol{RenewRecreates: true}, Setup{Readers: []int{1}, Calls: 1, Writes: []Write{Delete}}, LateFill},
	{"blind release", Protocol{BlindRelease: true}, Setup{Readers: []int{1}, Refreshers: 1, Mark: true, Missing: 2, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Failures: 1}}, StaleAtRest},
	{"overwrites value", Protocol{OverwritesValue: true}, Setup{Readers: []int{1}, Calls: 1, Writes: []Write{ForeignSet}}, LateFill},
	{"overwrites value, refresh", Protocol{OverwritesValue: true}, Setup{Refreshers: 1, Value: true, Calls: 1, Writes: []Write{ForeignSet}}, LateFill},
	{"revives value", Protocol{RevivesValue: true}, Setup{Refreshers: 1, Value: true, Calls: 1, Writes: []Write{ForeignDel}}, LateFill},
	{"reuses load", Protocol{ReusesLoad: true}, Setup{Refreshers: 1, Value: true, Calls: 1, Writes: []Write{Delete}}, LateFill},
	{"no seal", Protocol{NoSeal: true}, Setup{Readers: []int{2}, Calls: 1, Writes: []Write{Delete}}, StaleReturn},
	{"shares refused", Protocol{SharesRefused: true}, Setup{Readers: []int{2}, Calls: 1, Writes: []Write{Delete}}, StaleReturn},
	{"early until load ends", Protocol{EarlyUntilLoadEnds: true}, Setup{Readers: []int{2}, Calls: 1, Writes: []Write{Delete}}, StaleReturn},
	{"shares uncached", Protocol{SharesUncached: true}, Setup{Readers: []int{2}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Timeouts: 1}}, StaleReturn},
	{"value first", Protocol{Delete: ValueFirst}, Setup{Readers: []int{1}, Calls: 1, Writes: []Write{Delete}}, StaleAtRest},
	{"late acquire", Protocol{}, Setup{Readers: []int{1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Late: 1}}, LateFill},
	{"late acquire fresh", Protocol{Retry: FreshToken}, Setup{Readers: []int{1, 1}, Calls: 1, Writes: []Write{Delete}, Faults: Faults{Late: 2}}, None},
	{"foreign del of nothing", Protocol{}, Setup{Readers: []int{1}, Calls: 1, Writes: []Write{ForeignDelAny}}, LateFill},
	{"foreign set and loss", Protocol{}, Setup{Readers: []int{1}, Calls: 1, Writes: []Write{ForeignSet}, Faults: Faults{Losses: 1}}, LateFill},
	{"foreign set and del", Protocol{}, Setup{Readers: []int{1}, Calls: 1, Writes: []Write{ForeignSet, ForeignDel}}, LateFill},
	{"foreign set over mark", Protocol{}, Setup{Readers: []int{1}, Calls: 1, Mark: true, Missing: 2, Writes: []Write{ForeignSet}}, StaleAtRest},
	{"foreign set same expiry", Protocol{}, Setup{Refreshers: 1, Value: true, Calls: 1, Writes: []Write{ForeignSetTo}}, LateFill},
}

func TestVariants(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			r := Explore(v.rules, v.setup)
			t.Log(len(r.Trace)-1, r)
			if r.Breach != v.want {
				t.Errorf("found %v, want %v", r.Breach, v.want)
			}
		})
	}
}
