// Package model is a model of the lease protocol of the cache, small enough for its tests to
// explore everything that can happen. Nothing imports it.
//
// The model is one key: what the source, the value key and the control key hold;
// processes whose callers share a flight, refresh, or have what is stale refreshed in the
// background; writers; and what may go wrong (Faults). Processes and writers may be of a
// second version of the stored form, which has a value key of its own, K'; what a state
// counts as versions is what the source has held. A command is sent, executed and answered in
// three steps, between which anything else may happen, and a load sees the source somewhere
// between its beginning and its end. There is no time: a lease of a dead process ends at some
// point, one of a living process only by a loss, which is also how a paused process loses it.
//
// In all states that can be reached, it is checked (Breach) that
//
//   - a call returns nothing older than the last write that was acknowledged when the
//     call began, whether it read, led or followed;
//   - no load is stored that began before a write which has been acknowledged, and
//     Redis holds nothing older than that write;
//   - there is a path on which all callers that wait return, without help from a fault;
//   - one load answers all, while nothing is written or goes wrong (Setup.OneLoad).
//
// A second model is of several keys, and of calls that ask for many: each key follows
// the same rules, so it only checks that batches that overlap do not wait for each
// other for ever, for a lease or for a place among the loads of a process, and load
// nothing twice (BatchProtocol, BatchSetup).
//
// Left out is what only removes possibilities, or has its own tests: fences within
// a process, MaxLoads, the near cache, shapes and staging, replication. A Set that is
// repeated after a later write is left out because nothing can prevent it.
//
// A Protocol is the list of rules, each of which can be broken by itself: the tests
// of variants show what every rule is for. To try a change, add a rule, and run
//
//	go test ./internal/model                 # seconds
//	go test ./internal/model -model.large    # minutes
//
// A breach is reported with a shortest path to it, one step a line, and with what the source,
// the value key K and the control key C hold after the step:
//
//	6 process 1: its load reads v1                        source v1, acknowledged v1, K -, C lease 1
//	7 writer 1: changes the source to v2, sends its Delete  source v2, acknowledged v1, K -, C lease 1
//
// Read it from the end: the last line is the breach, and v1 in it is what should not
// exist any more; go up to where that was read, and look for the step in between that should
// have been impossible. Lines of processes that do not matter in the end can be
// skipped: a shortest path has few.
//
// The files: state.go has the state, protocol.go the rules and worlds, redis.go
// what commands do, caller.go, flight.go, writer.go and faults.go the actors, turn.go the
// words for their steps, batch.go and batchturn.go the world of many keys, checks.go what
// must hold, canonical.go and explore.go the search.
package model
