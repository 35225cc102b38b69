package model

import "testing"

// Two batches of the same two keys, which ask for them in any order.
var twoBatches = []Batch{{0, []int{0, 1}}, {1, []int{0, 1}}}

// Four batches of two processes, so that in each process one can wait for the place
// of the other, and for a key of the other process.
var crossed = []Batch{{0, []int{0, 1}}, {1, []int{1}}, {1, []int{2, 3}}, {0, []int{3}}}

// All calls return, and no key is loaded twice.
func TestBatches(t *testing.T) {
	skipWithRace(t)
	for name, s := range map[string]BatchSetup{
		"two batches":               {Batches: twoBatches},
		"two batches of four keys":  {Batches: []Batch{{0, []int{0, 1, 2, 3}}, {1, []int{0, 1, 2, 3}}}},
		"in a ring":                 {Batches: []Batch{{0, []int{0, 1}}, {1, []int{1, 2}}, {2, []int{2, 0}}}},
		"beside single calls":       {Batches: []Batch{{0, []int{0, 1}}, {1, []int{0, 1}}, {2, []int{0}}, {3, []int{1}}}},
		"with a place each":         {Batches: twoBatches, Places: 1},
		"with a place for two":      {Batches: crossed, Places: 1},
		"with a place, and Deletes": {Batches: twoBatches, Places: 1, Deletes: 2},
		"Deletes":                   {Batches: twoBatches, Deletes: 3},
		"deaths":                    {Batches: append(twoBatches[:2:2], Batch{2, []int{0, 1}}), Kills: 2},
		"deaths and Deletes":        {Batches: twoBatches, Kills: 1, Deletes: 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := ExploreBatches(BatchProtocol{}, s)
			if t.Logf("%v", r); r.Breach != None {
				t.Fail()
			}
		})
	}
}

// Each of these differs from the protocol, and must be found guilty.
func TestBatchVariants(t *testing.T) {
	skipWithRace(t)
	for _, v := range []struct {
		name  string
		rules BatchProtocol
		setup BatchSetup
		want  Breach
		steps []string
	}{
		{"leases held while others are waited for", BatchProtocol{WaitsBeforeCommit: true}, BatchSetup{Batches: twoBatches},
			EndlessWait, []string{"batch 1: its acquire is granted the lease of key 0", "batch 2: its acquire is granted the lease of key 1"}},
		{"loads of keys that others have leases for", BatchProtocol{LoadsBusy: true}, BatchSetup{Batches: twoBatches},
			SecondLoad, []string{"begins to load", "finds another's lease", "begins to load"}},
		{"places and leases held while others are waited for", BatchProtocol{KeepsPlace: true, KeepsLeases: true}, BatchSetup{Batches: crossed, Places: 1},
			EndlessWait, []string{"batch 1: begins to load", "batch 3: begins to load"}},
	} {
		t.Run(v.name, func(t *testing.T) {
			r := ExploreBatches(v.rules, v.setup)
			r.convict(t, v.want, v.steps)
			if r := ExploreBatches(BatchProtocol{}, v.setup); r.Breach != None {
				t.Errorf("without the variant: %v", r)
			}
		})
	}
}

// A batch that waits may not hold both a place and a lease. The cache holds neither, but
// to release one would be enough.
func TestBatchesThatHoldOneOfTheTwo(t *testing.T) {
	for _, p := range []BatchProtocol{{KeepsPlace: true}, {KeepsLeases: true}} {
		if r := ExploreBatches(p, BatchSetup{Batches: crossed, Places: 1}); r.Breach != None {
			t.Errorf("%+v: %v", p, r)
		}
	}
}

func TestBatchSetupThatDoesNotFit(t *testing.T) {
	for _, s := range []BatchSetup{
		{Batches: make([]Batch, maxBatches+1)},
		{Batches: []Batch{{Process: maxProcesses}}},
		{Batches: []Batch{{Keys: []int{maxBatchKeys}}}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was taken", s)
				}
			}()
			ExploreBatches(BatchProtocol{}, s)
		}()
	}
}
