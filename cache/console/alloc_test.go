//go:build !race

package console_test

import (
	"context"
	"testing"
)

// A lookup in Redis that is observed allocates no more than one that is not. (The race detector
// drops what pools hold.)
func TestObservedLookupAllocations(t *testing.T) {
	f := newFixture(t)
	allocations := func() float64 {
		return testing.AllocsPerRun(1000, func() { _, _, _ = f.users.Get(context.Background(), "1") })
	}
	before := allocations()
	get[overview](f, 200, "")
	if observed := allocations(); observed > before {
		t.Errorf("%v allocations, and %v unobserved", observed, before)
	}
	if r := get[overview](f, 200, "").Caches[0]; r.Lookup.Count < 1000 {
		t.Errorf("%+v", r)
	}
}
