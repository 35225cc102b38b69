package main

// staleMutants break what is done with stale values.
var staleMutants = []mutant{
	{
		what: "a stale value is not refreshed where Redis refuses leases",
		file: "internal/protocol/stale.go", old: "case j.grant.committer != nil:", new: "case false:",
		pkg: "cache", tests: "TestStaleValuesOnLimitedServers",
	},
	{
		what: "nothing is ever stale",
		file: "internal/protocol/stale.go", old: "&& ttl < e.StaleFor", new: "&& ttl < 0",
		pkg: "cache", tests: "TestStaleValueIsServedAtOnce",
	},
	{
		what: "StaleFor is not added to a TTL",
		file: "internal/keyspace/ttl.go", old: "ttl += min(staleFor", new: "_ = min(staleFor",
		pkg: "cache", tests: "TestStaleForIsKept",
	},
	{
		what: "what is gone is refreshed",
		file: "internal/protocol/stale.go", old: "return s == was &&", new: "return true ||",
		pkg: "cache", tests: "TestRefreshOfWhatIsGone",
	},
	{
		what: "what was replaced is refreshed",
		file: "internal/protocol/stale.go", old: "&& ttl <= j.TTL", new: "",
		pkg: "cache", tests: "TestStaleValueThatWasReplaced",
	},
	{
		what: "a refresh that has failed is repeated at once",
		file: "internal/protocol/stale.go", old: "if failed {", new: "if false {",
		pkg: "cache", tests: "TestRefreshBacksOff",
	},
	{
		what: "each failure of a refresh counts as the first",
		file: "internal/protocol/stale.go", old: "min(f.last[hash].failures, 8) + 1", new: "1",
		pkg: "cache", tests: "TestRefreshBacksOff",
	},
	{
		what: "what Redis has failed counts as refreshed",
		file: "internal/protocol/stale.go", old: "return j.failed ||", new: "return",
		pkg: "cache", tests: "TestRefreshWithoutRedis",
	},
	{
		what: "a refresh that takes too long is no failure",
		file: "internal/protocol/stale.go", old: "!returned || late ||", new: "!returned ||",
		pkg: "cache", tests: "TestRefreshThatIsLate",
	},
	{
		what: "the lease of another process's refresh is asked for at each read",
		file: "internal/protocol/acquire.go", old: "j.busyFor = asks[i].Answer.Wait\n\t\t\tif left := j.busyFor;", new: "if left := asks[i].Answer.Wait;",
		pkg: "cache", tests: "TestDeadRefresherCostsOneLease",
	},
	{
		what: "a refresh is asked for at each read while one runs here",
		file: "internal/protocol/stale.go", old: "return !time.Now().Before(l.until) &&", new: "return",
		pkg: "internal/protocol", tests: "TestRefreshPermits",
	},
	{
		what: "what a lookup has found before a refresh has ended begins another",
		file: "internal/protocol/stale.go", old: "&& began.After(l.ended)", new: "",
		pkg: "internal/protocol", tests: "TestRefreshPermits",
	},
	{
		what: "what is remembered of refreshes has no bound",
		file: "internal/protocol/stale.go", old: "len(f.last) >= maxRemembered {", new: "false {",
		pkg: "internal/protocol", tests: "TestRememberedRefreshesAreBounded",
	},
	{
		what: "a key is refreshed early half as often as it should",
		file: "internal/protocol/stale.go", old: "return -float64(loadTime)*", new: "return -0.5*float64(loadTime)*",
		pkg: "internal/protocol", tests: "TestEarlyRefreshSimulation",
	},
	{
		what: "a refresh in the background removes what neighbouring versions have",
		file: "internal/protocol/acquire.go", old: "AsWrite: r.Refresh && !r.background", new: "AsWrite: r.Refresh",
		pkg: "cache", tests: "TestRefreshLeavesOtherVersions",
	},
	{
		what: "calls that have joined a refresh get the error of its lease",
		file: "internal/protocol/acquire.go", old: "r.background && err != nil:", new: "false:",
		pkg: "cache", tests: "TestCallThatJoinsARefreshWithoutRedis",
	},
	{
		what: "the panic of a refresh is told nobody",
		file: "internal/protocol/stale.go", old: "if !returned {", new: "if false {",
		pkg: "cache", tests: "TestRefreshThatPanics",
	},
	{
		what: "a refresh in the background starts over when it is refused",
		file: "internal/protocol/commit.go", old: "r.Refresh && !r.background &&", new: "r.Refresh &&",
		pkg: "cache", tests: "TestCallsThatJoinARefresh",
	},
	{
		what: "a refresh waits for a loader that has begun it",
		file: "internal/flight/batch.go", old: "g.execution(ctx, nil, len(keys), fn)", new: "g.execution(ctx, g.parent(ctx), len(keys), fn)",
		pkg: "cache", tests: "TestRefreshBegunByALoader",
	},
	{
		what: "a call with NoStale is content with what is stale",
		file: "cache/stale.go", old: "r.state == Stale && !s.noStale", new: "r.state == Stale",
		pkg: "cache", tests: "TestNoStale",
	},
	{
		what: "a call with NoStale takes what the refresh of another process is about to replace",
		file: "internal/protocol/stale.go", old: "if !r.NoStale || !e.isStale(entry) {", new: "if true {",
		pkg: "cache", tests: "TestNoStaleWaitsForAnotherProcess",
	},
	{
		what: "a call with NoStale shares what another call was content with",
		file: "internal/protocol/load.go", old: "tooLate = true", new: "tooLate = false",
		pkg: "cache", tests: "TestNoStaleDoesNotShareWhatIsStale",
	},
	{
		what: "a call with NoStale loads what another process has just stored",
		file: "internal/protocol/acquire.go", old: "(j.Broken || e.hasFresh(j, asks[i].Answer.Lease))", new: "j.Broken",
		pkg: "cache", tests: "TestStaleValueThatWasReplaced",
	},
	{
		what: "a failed load is not made up for by what is stale",
		file: "cache/loads.go", old: "if err != nil && !absent && l.settings.noStale {", new: "if false {",
		pkg: "cache", tests: "TestNoStale",
	},
	{
		what: "a caller that has left gets what is stale",
		file: "cache/stale.go", old: "c.core.contextError(ctx, op, key) != nil,", new: "",
		pkg: "cache", tests: "TestNoStale",
	},
	{
		what: "refreshes have more places than MaxLoads",
		file: "internal/protocol/stale.go", old: "return !e.limit.isFull() && e", new: "return e",
		pkg: "cache", tests: "TestRefreshesUnderMaxLoads",
	},
	{
		what: "a stale absence is not refreshed",
		file: "cache/getorset.go", old: "l.refreshFound(ctx)", new: "",
		pkg: "cache", tests: "TestStaleAbsence",
	},
	{
		what: "a batch refreshes each key by itself",
		file: "cache/many.go", old: "c.dueIn(b, load, s).addFound(r)", new: "one := &batch[K, V]{op: b.op, size: 1}\n\t\t\tc.dueIn(one, load, s).addFound(r)\n\t\t\tc.core.engine.RefreshInBackground(ctx, &one.due.run)",
		pkg: "cache", tests: "TestBatchRefreshesByOneCall",
	},
	{
		what: "an acquire says of a carried absence how long the lease lives",
		file: "internal/store/lua/acquire.lua", old: "leased and rest(KEYS[2], moment) or left", new: "left",
		pkg: "internal/store", tests: "TestLeaseTellsOfTTLs",
	},
	{
		what: "a read that asks for the TTL keeps that of the read before",
		file: "internal/store/ttl.go", old: "e.TTL = remaining(left)", new: "_ = left",
		pkg: "internal/store", tests: "TestReadsTTLs",
	},
	{
		what: "a collection does not add StaleFor",
		file: "cache/collection/new.go", old: "c.jitter, c.staleFor)", new: "c.jitter, 0)",
		pkg: "cache/collection", tests: "TestStaleForOfWrites",
	},
	{
		what: "a closed cache stays a member of its keyspace",
		file: "cache/shutdown.go", old: "c.member.Leave()", new: "",
		pkg: "cache", tests: "TestOneNameAfterClose",
	},
}
