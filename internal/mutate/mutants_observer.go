package main

// observerMutants break what is told of loads.
var observerMutants = []mutant{
	{
		what: "a loader does not run in the context of StartLoad",
		file: "internal/protocol/loader.go", old: "ctx = e.Reporter.StartLoad(", new: "_ = e.Reporter.StartLoad(",
		pkg: "cache", tests: "TestStartLoad",
	},
	{
		what: "a call does not hear which load it has waited for",
		file: "internal/protocol/loader.go", old: "j.flight.SetOrigin(bounded)", new: "_ = bounded",
		pkg: "cache", tests: "TestWait",
	},
	{
		what: "a batch hears of one load for each key",
		file: "internal/protocol/report.go", old: "return known.load == load", new: "return false",
		pkg: "cache", tests: "TestWait",
	},
	{
		what: "the call that has started a load is told that it has waited",
		file: "internal/flight/batch.go", old: "if f == nil || t[i].leads {", new: "if f == nil {",
		pkg: "cache", tests: "TestWait",
	},
	{
		what: "a panic of one observer takes what another has put into the context",
		file: "cache/observer_start.go", old: "return afterPanic{ctx, panicked}", new: "return nil",
		pkg: "cache", tests: "TestStartLoadOfTwoObservers",
	},
}
