package main

// protocolMutants break leases, flights, loads and writes.
var protocolMutants = []mutant{
	// Versions.
	{
		what: "a write leaves the neighbouring versions",
		file: "internal/store/lua/neighbours.lua", old: "if last > 2 then", new: "if last > 9 then",
		pkg: "internal/servertest", tests: "TestVersions",
	},
	{
		what: "writes of many leave the neighbouring versions",
		file: "internal/store/lua/put_many.lua", old: "for k = runs + i, #KEYS, runs", new: "for k = runs + i, 2 * runs, runs",
		pkg: "internal/servertest", tests: "TestVersions",
	},
	{
		what: "writes of many are all strings where the first is one",
		file: "internal/store/lua/put_many.lua", old: "ARGV[first[3] + step[3] * i] == 'set'", new: "ARGV[first[3] + step[3]] == 'set'",
		pkg: "internal/store", tests: "TestTogether",
	},
	{
		what: "a load without a lease removes the neighbouring versions",
		file: "internal/store/committer.go", old: "w.leaves = u.leaves", new: "w.leaves = false",
		pkg: "internal/servertest", tests: "TestVersions",
	},
	{
		what: "each version has a control key of its own",
		file: "internal/rediskey/family.go", old: "controlKey(f.Prefix(), f.plain(key)) }", new: "controlKey(f.Prefix(), key) }",
		pkg: "internal/servertest", tests: "TestVersions",
	},
	{
		what: "an empty value of one version is forgotten when another is loaded",
		file: "internal/store/lua/marker.lua", old: "if left > 0 then", new: "if false then",
		pkg: "internal/servertest", tests: "TestVersions",
	},
	{
		what: "an empty value of one version is taken for that of another",
		file: "internal/store/lua/control.lua", old: "return marker == mine or", new: "return marker or",
		pkg: "internal/servertest", tests: "TestVersions",
	},
	{
		what: "a write of elements leaves the neighbouring versions",
		file: "internal/store/lua/mutate.lua", old: "removeNeighbours(list and #KEYS - 1 or #KEYS)", new: "",
		pkg: "cache/collection", tests: "TestWritesOfElementsReachVersions|TestWritesOfVersions",
	},
	{
		what: "a write leaves what the version before would make its value of",
		file: "internal/rediskey/family.go", old: "max(version-2, 0)", new: "max(version-1, 0)",
		pkg: "cache", tests: "TestG13WritesReachWhatIsUpgraded",
	},
	{
		what: "what was made of a value that is gone is stored",
		file: "internal/store/lua/upgrade.lua", old: "if redis.call('EXISTS', KEYS[3]) == 1 then", new: "if true then",
		pkg: "internal/store", tests: "TestLeaseUpgradesWhatIsThere",
	},
	{
		what: "a cluster is told to remove values before what they were made of",
		file: "internal/store/delete.go", old: "n > 1 {", new: "n > 9 {",
		pkg: "internal/store", tests: "TestDeleteEndsVersionsInTheirOrder",
	},
	{
		what: "an upgrade forgets what the time of its own took",
		file: "internal/protocol/upgrade.go", old: "left = time.Until(p.ends)", new: "left = p.Entry.TTL",
		pkg: "cache", tests: "TestG13AnUpgradeThatOutlivesTheValue",
	},

	// Leases, in Lua.
	{
		what: "a touched lease never ends",
		file: "internal/store/lua/touch.lua", old: "first .. ':' .. now, 'KEEPTTL')", new: "first .. ':' .. now)",
		pkg: "internal/store", tests: "TestTouchLeavesTheLeaseItsLife",
	},
	{
		what: "a lease carries a mark that ends before it",
		file: "internal/store/lua/acquire.lua", old: "if left > tonumber(ARGV[2]) then lease", new: "if true then lease",
		pkg: "internal/store", tests: "TestLeaseCarriesAMarkThatOutlivesIt",
	},
	{
		what: "a lease never carries a mark",
		file: "internal/store/lua/acquire.lua", old: "if left > tonumber(ARGV[2]) then lease", new: "if false then lease",
		pkg: "internal/store", tests: "TestLeaseCarriesAMarkThatOutlivesIt",
	},
	{
		what: "a carried mark is never dropped by the server",
		file: "internal/store/lua/renew.lua", old: "if marker and ends", new: "if false and ends",
		pkg: "internal/store", tests: "TestLeaseDropsAMarkThatEnds",
	},
	{
		what: "a mark that is not carried is forgotten by a release",
		file: "internal/store/lease.go", old: "time.Until(had.markerEnds) <= l.ttl", new: "false",
		pkg: "internal/store", tests: "TestReleaseOfAMarkThatEnds",
	},
	{
		what: "LoadTimeout does not end a load whose lease was gone before",
		file: "internal/protocol/lease.go", old: "k.idle || ", new: "",
		pkg: "cache", tests: "TestLoadTimeoutWithoutItsLease",
	},
	{
		what: "what was touched while it was carried comes back as it was",
		file: "internal/store/lease.go", old: "&& time.Until(had.markerEnds) <= l.ttl {", new: "{",
		pkg: "internal/store", tests: "TestTouchOfACarriedMarkEndsIt",
	},
	{
		what: "a touch of what is carried is lost",
		file: "internal/store/lua/touch.lua", old: "text(clock(KEYS[2], left) + ARGV[4])", new: "ends",
		pkg: "internal/store", tests: "TestTouchOfACarriedMark",
	},
	{
		what: "a stored value ends what is known of other versions",
		file: "internal/store/lua/fill.lua", old: "not removed and others", new: "false and others",
		pkg: "internal/store", tests: "TestStoreLeavesEmptyVersions",
	},
	{
		what: "a stored value leaves it said that it is empty",
		file: "internal/store/lua/control.lua", old: "if not isEmpty(marker, mine) then return marker end", new: "do return marker end",
		pkg: "internal/store", tests: "TestStoreLeavesEmptyVersions",
	},
	{
		what: "any lease is taken for one's own",
		file: "internal/store/lua/guard.lua", old: "if token ~= ARGV[1] then", new: "if not token then",
		pkg: "internal/store", tests: "TestLeaseOfTheSameProcess",
	},
	{
		what: "a small value is stored whosever the lease is",
		file: "internal/store/lua/add_one.lua", old: " == 'L' .. ARGV[1]", new: "",
		pkg: "internal/store", tests: "TestLeaseIsRevoked",
	},
	{
		what: "a small value is stored over another",
		file: "internal/store/lua/add_one.lua", old: "'NX', ", new: "",
		pkg: "internal/store", tests: "TestTogether",
	},
	{
		what: "a refresh leaves the neighbouring versions",
		file: "internal/store/lua/add_one.lua", old: "#KEYS == 2 and ", new: "",
		pkg: "internal/servertest", tests: "TestVersions",
	},
	{
		what: "a lease is taken from the one that has it",
		file: "internal/store/lua/acquire_one.lua", old: ", 'NX')", new: ")",
		pkg: "internal/store", tests: "TestTogether",
	},
	{
		what: "an argument that calls differ in is sent once for all",
		file: "internal/client/merge.go", old: "call.Args[i] != first", new: "false && call != nil",
		pkg: "internal/store", tests: "TestTogether",
	},
	{
		what: "values that are stored together have the TTL of the first",
		file: "internal/store/lua/set_many.lua", old: "ARGV[first[a + 2] + step[a + 2] * i]", new: "ARGV[first[a + 2] + step[a + 2]]",
		pkg: "internal/store", tests: "TestTogether|TestManyLeasesOfASecondAttempt",
	},
	{
		what: "leases that are taken together have the TTL of the first",
		file: "internal/store/lua/acquire_many.lua", old: "ARGV[first[2] + step[2] * i]", new: "ARGV[first[2] + step[2]]",
		pkg: "internal/store", tests: "TestTogether",
	},
	{
		what: "leases of a batch that a second attempt is granted have the token of the first",
		file: "internal/store/batch_lease.go", old: "leases[i].claim = a.claim", new: "if len(a.lost) == 0 { leases[i].claim = a.claim }",
		pkg: "internal/store", tests: "TestManyLeasesOfASecondAttempt",
	},
	{
		what: "leases that are asked for together replace no value",
		file: "internal/store/batch_lease.go", old: "of = &args[1]", new: "_ = &args[1]",
		pkg: "internal/store", tests: "TestManyLeasesOfSeveralKinds",
	},
	{
		what: "the store of a batch's write leaves the values of other versions",
		file: "internal/store/acquire.go", old: "	if ask.AsWrite {", new: "	if ask.AsWrite && len(room) == 0 {",
		pkg: "internal/store", tests: "TestManyLeasesOfSeveralKinds",
	},
	{
		what: "a read that was given up has its entry written to",
		file: "internal/protocol/inspect.go", old: "case err != nil: // a read", new: "case false: // a read",
		pkg: "internal/protocol", tests: "TestEntryOfAFailedRead",
	},
	{
		what: "a lease keeps what it has read of a broken answer",
		file: "internal/store/acquire.go", old: "if err == nil { // else another", new: "if l.before = had; err == nil { // else another",
		pkg: "internal/store", tests: "TestManyLeasesAfterABrokenAnswer",
	},
	{
		what: "many small values are stored whosever the lease is",
		file: "internal/store/lua/add_many.lua", old: "held[i] == 'L' .. ARGV[first[1] + step[1] * i]", new: "held[i]",
		pkg: "internal/store", tests: "TestManyFillsOfLeasesThatAreOthers",
	},
	{
		what: "many leases are taken from those who have them",
		file: "internal/store/lua/acquire_many.lua", old: ", 'NX')", new: ")",
		pkg: "internal/store", tests: "TestManyFillsOfLeasesThatAreOthers",
	},
	{
		what: "a load is stored over a value that has changed",
		file: "internal/store/lua/guard.lua", old: "if unchanged(first, last) then", new: "if true then",
		pkg: "internal/store", tests: "TestLeaseIsRevoked",
	},
	{
		what: "a string is stored over one that came meanwhile",
		file: "internal/store/lua/add.lua", old: "ARGV[2], 'NX', unpack", new: "ARGV[2], unpack",
		pkg: "internal/store", tests: "TestLeaseIsRevoked",
	},
	{
		what: "a release ends anybody's lease",
		file: "internal/store/lua/release.lua", old: "if token ~= ARGV[1] then", new: "if false then",
		pkg: "internal/store", tests: "TestLeaseOfTheSameProcess",
	},
	{
		what: "a large value is put in place without its lease",
		file: "internal/store/lua/swap.lua", old: "if not may then", new: "if false then",
		pkg: "internal/store", tests: "TestLeaseIsRevoked",
	},

	// Flights.
	{
		what: "a load starts over for nobody",
		file: "internal/flight/seal.go", old: "case f.waiting == 0:", new: "case false:",
		pkg: "internal/flight", tests: "TestRestartForNobody",
	},
	{
		what: "a load that a write has overtaken is stored",
		file: "internal/flight/key.go", old: "f.fenced = true", new: "",
		pkg: "internal/flight", tests: "TestWriteRefusesOlderFlights",
	},
	{
		what: "a load that begins during a write is stored",
		file: "internal/flight/key.go", old: "f.fenced = s.writes > 0", new: "",
		pkg: "internal/flight", tests: "TestFlightOfAWrite|TestRefreshPassesFlightsOutOfTheWay",
	},
	{
		what: "a caller that comes after the seal shares",
		file: "internal/flight/caller.go", old: "joined < f.seals &&", new: "joined <= f.seals &&",
		pkg: "internal/flight", tests: "TestSeal",
	},
	{
		what: "a result that is refused is shared",
		file: "internal/flight/caller.go", old: " && !f.refused:", new: ":",
		pkg: "internal/flight", tests: "TestSeal",
	},
	{
		what: "a panic is not repeated in its caller",
		file: "internal/flight/caller.go", old: "f.err.(*PanicError).repeat()", new: "",
		pkg: "internal/flight", tests: "TestPanic",
	},
	{
		what: "a function goes on when its last caller has left",
		file: "internal/flight/flight.go", old: "f.exec.needed == 0 {", new: "false {",
		pkg: "internal/flight", tests: "TestLastCallerCancels",
	},
	{
		what: "the changes of other keys count as those of a key",
		file: "internal/flight/changes.go", old: "latest[n%size].Load() == hash", new: "latest[n%size].Load() != 0",
		pkg: "internal/flight", tests: "TestChangedSince",
	},
	{
		what: "after many changes a key counts as unchanged",
		file: "internal/flight/changes.go", old: "return g.changes.count.Load()-count >= size", new: "return false && count >= size",
		pkg: "internal/flight", tests: "TestChangedSince",
	},

	// Loads and writes of a cache.
	{
		what: "a caller that joins before a found value is read is turned away",
		file: "internal/protocol/acquire.go", old: "j.flight.Seal()\n\t\t\tthere, at", new: "there, at",
		pkg: "cache", tests: "TestFoundValueIsShared",
	},
	{
		what: "a caller that joins a flight that waits is turned away",
		file: "internal/protocol/wait.go", old: "j.flight.Seal()", new: "",
		pkg: "cache", tests: "TestAwaitedValueIsShared",
	},
	{
		what: "a batch whose leases a full server refused proves its results",
		file: "internal/protocol/acquire.go", old: "unproven: !j.startedDegraded", new: "unproven: false",
		pkg: "cache", tests: "TestManyFullServerProvesNothing",
	},
	{
		what: "callers of a batch leave leases behind",
		file: "internal/protocol/acquire.go", old: "AcquireAll(asking[0].flight.Detached(), ", new: "AcquireAll(ctx, ",
		pkg: "cache", tests: "TestManyLeaversLeaveNoLeases",
	},

	{
		what: "a refresh in a batch begins before the flight under way has ended",
		file: "internal/flight/key.go", old: "return s.next, true", new: "return s.next, false",
		pkg: "internal/flight", tests: "TestJoinOfRefreshes",
	},
	{
		what: "the error of a load that began before a write is remembered",
		file: "internal/protocol/failures.go", old: "if !j.flight.IsStorable() {", new: "if false {",
		pkg: "cache", tests: "TestErrorTTLOfALoadBeforeAWrite",
	},
	{
		what: "a write leaves the error that is remembered",
		file: "internal/protocol/write.go", old: "defer e.failures.forget(keys...)", new: "defer e.failures.forget()",
		pkg: "cache", tests: "TestErrorTTLEndsWithAWrite",
	},
	{
		what: "a call that has looked before a load failed loads again",
		file: "internal/protocol/run.go", old: "e.endRemembered(ctx, r, all)", new: "all",
		pkg: "cache", tests: "TestErrorTTLOfABatchThatLooksAtOtherKeys",
	},
	{
		what: "an error that is remembered hides what Redis has",
		file: "internal/protocol/load.go", old: "e.failures.of(j.Key) != nil\n\t}", new: "false\n\t}",
		pkg: "cache", tests: "TestErrorTTLAndRedis",
	},
	{
		what: "a load begins that nobody waits for",
		file: "internal/protocol/run.go", old: "if ctx.Err() != nil {", new: "if false {",
		pkg: "cache", tests: "TestLeaseNoLoadForNobody",
	},
	{
		what: "a refresh whose store was refused does not load again",
		file: "internal/protocol/commit.go", old: "if j.loads < maxAttempts {", new: "if false {",
		pkg: "cache", tests: "TestG2WriteElsewhereDuringARefresh",
	},
}
