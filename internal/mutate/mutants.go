package main

// mutants are faults that the tests once let pass, and others that would do harm. A text is
// short and on a line that says one thing, so that it lasts.
var mutants = []mutant{
	// Deletes.
	{
		what: "a Delete hides the error of a key's last command",
		file: "internal/store/step.go", old: "last.Err(), w.removed(cmds))", new: "cmds[0].Err())",
		pkg: "internal/store", tests: "TestDeleteTellsOfEachCommand",
	},
	{
		what: "a Delete of one key hides the error of its first command",
		file: "internal/store/step.go", old: "cmp.Or(cmds[0].Err(), last", new: "cmp.Or(last",
		pkg: "internal/store", tests: "TestDeleteAsksEachCommand",
	},
	{
		what: "a cluster is told to remove the value before the lease",
		file: "internal/store/delete.go",
		old:  "keys[0], keys[1] = keys[1], keys[0]",
		new:  "keys[0], keys[1] = keys[0], keys[1]",
		pkg:  "internal/store", tests: "TestDeleteEndsTheControlKeyFirst",
	},
	{
		what: "errors of a second round trip are those of the first one's keys",
		file: "internal/store/delete.go", old: "first += len(part)", new: "first += 0",
		pkg: "internal/store", tests: "TestDeleteNamesTheKeysOfLaterTrips",
	},
	{
		what: "a delete on one server leaves the lease",
		file: "internal/store/delete.go", old: "NewSmall(ctx, args...)", new: "NewSmall(ctx, args[:2]...)",
		pkg: "internal/store", tests: "TestDeleteTellsOfEachCommand|TestLeaseOfTheSameProcess",
	},

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
		what: "a load without a lease removes the neighbouring versions",
		file: "internal/store/committer.go", old: "w.leaves = u.leaves", new: "w.leaves = false",
		pkg: "internal/servertest", tests: "TestVersions",
	},
	{
		what: "each version has a control key of its own",
		file: "internal/rediskey/family.go", old: "return ControlKey(f.plain(key)) }", new: "return ControlKey(key) }",
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
		file: "internal/store/delete.go", old: "n > 2 {", new: "n > 9 {",
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
		file: "internal/store/lua/touch.lua", old: ", 'KEEPTTL')", new: ")",
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
		file: "internal/store/lua/renew.lua", old: "if ARGV[3] == '1' and", new: "if false and",
		pkg: "internal/store", tests: "TestLeaseDropsAMarkThatEnds",
	},
	{
		what: "a carried mark is never said to end",
		file: "internal/store/lease.go", old: "time.Until(l.markerEnds) < l.ttl", new: "false",
		pkg: "internal/store", tests: "TestLeaseDropsAMarkThatEnds",
	},
	{
		what: "any lease is taken for one's own",
		file: "internal/store/lua/guard.lua", old: "if token ~= ARGV[1] then", new: "if not token then",
		pkg: "internal/store", tests: "TestLeaseOfTheSameProcess",
	},
	{
		what: "many small values are stored whosever the lease is",
		file: "internal/store/lua/add_many.lua", old: "parse(held[i]) == ARGV[first]", new: "parse(held[i])",
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
		file: "internal/store/lua/release.lua", old: "if control(KEYS[1]) ~= ARGV[1] then", new: "if false then",
		pkg: "internal/store", tests: "TestLeaseOfTheSameProcess",
	},
	{
		what: "a large value is put in place without its lease",
		file: "internal/store/lua/swap.lua", old: "if not permitted() then", new: "if false then",
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
		file: "internal/flight/caller.go", old: "f.panicked.repeat()", new: "",
		pkg: "internal/flight", tests: "TestPanic",
	},
	{
		what: "a function goes on when its last caller has left",
		file: "internal/flight/flight.go", old: "f.exec.flights == 0 {", new: "false {",
		pkg: "internal/flight", tests: "TestLastCallerCancels",
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
		file: "internal/protocol/acquire.go", old: "AcquireAll(context.WithoutCancel(ctx), ", new: "AcquireAll(ctx, ",
		pkg: "cache", tests: "TestManyLeaversLeaveNoLeases",
	},

	{
		what: "a refresh in a batch begins before the flight under way has ended",
		file: "internal/flight/batch.go", old: "f, later = s.next, true", new: "f, later = s.next, false",
		pkg: "internal/flight", tests: "TestJoinOfRefreshes",
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

	// Calls that Redis fails.
	{
		what: "a call without Redis shares a load that a write has overtaken",
		file: "internal/protocol/write.go",
		old:  "e.degraded.Fence(ctx, deadline, keys...)",
		new:  "e.degraded.Fence(ctx, deadline)",
		pkg:  "cache", tests: "TestG2WriteBetweenLoadsWithoutRedis",
	},
	{
		what: "a lookup whose lease Redis failed is a miss",
		file: "internal/protocol/report.go", old: "if failed || j.Degraded {", new: "if false {",
		pkg: "cache", tests: "TestUnansweredQuestionForALease",
	},
	{
		what: "a lookup that shares a load without Redis is a miss",
		file: "internal/protocol/report.go", old: "case j.Degraded, r != nil && r.degraded", new: "case r != nil && r.degraded",
		pkg: "cache", tests: "TestUnansweredFollower",
	},

	// Commands that are lost or refused.
	{
		what: "a write whose connection was lost is not repeated",
		file: "internal/client/send.go",
		old:  "return tries < 2 && ctx.Err() == nil",
		new:  "return false",
		pkg:  "internal/store", tests: "TestLostAnswersOfWrites|TestIdleConnectionsOfNoUse",
	},
	{
		what: "a write is repeated over dead connections alone",
		file: "internal/client/send.go", old: "if tries > 0 && IsConnectionLost(err) {", new: "if false {",
		pkg: "internal/store", tests: "TestIdleConnectionsOfNoUse",
	},
	{
		what: "connections to a demoted master stay",
		file: "internal/client/send.go",
		old:  "case IsReadOnly(err):\n\t\tc.closeConns(ctx)",
		new:  "case IsReadOnly(err):",
		pkg:  "internal/store", tests: "TestIdleConnectionsOfNoUse",
	},
	{
		what: "what a pipeline has carried out is repeated",
		file: "internal/client/send.go",
		old:  "return !IsReadOnly(cmd.Err()) && !isUnknownScript(cmd.Err())",
		new:  "return false",
		pkg:  "internal/store", tests: "TestStepThatWasCarriedOutIsNotRepeated",
	},
	{
		what: "a batch ends at the timeout of its first command's store",
		file: "internal/client/pipeline.go",
		old:  "if q.client.timeouts.timeout > c.timeouts.timeout {",
		new:  "if false {",
		pkg:  "internal/store", tests: "TestTimeoutsInOneBatch",
	},
	{
		what: "large answers of one store hold up small ones of another",
		file: "internal/client/pipeline.go", old: "minBatch*q.answer() > batchBytes", new: "q.answer() < 0",
		pkg: "internal/store", tests: "TestLargeAnswersBesideSmallOnes",
	},
	{
		what: "Close of a store does not wait for its commands in shared pipelines",
		file: "internal/client/detach.go", old: "ends = append(ends, p.of(c)...)", new: "_ = p.of(c)",
		pkg: "internal/store", tests: "TestCloseBesideOthers",
	},
	{
		what: "a write that changes nothing is said to be replicated at once",
		file: "internal/client/replicas.go", old: "return ok && changing.Changed()", new: "return true || ok && changing.Changed()",
		pkg: "internal/store", tests: "TestWriteBarrier",
	},
	{
		what: "commands are carried out though MULTI is refused",
		file: "internal/client/transaction.go", old: "if !c.transacts.Load() {", new: "if false {",
		pkg: "internal/store", tests: "TestRefusedTransaction",
	},
	{
		what: "a connection on which EXEC is not permitted is used again",
		file: "internal/client/transaction.go",
		old:  "if err != nil {\n\t\tbreakOff(ctx, to)\n\t}",
		new:  "",
		pkg:  "internal/store", tests: "TestRefusedTransaction",
	},
	{
		what: "a connection on which EXEC was refused is used again",
		file: "internal/client/transaction.go",
		old:  "\"EXECABORT\") {\n\t\t\tbreakOff(ctx, to)",
		new:  `"EXECABORT") {`,
		pkg:  "internal/store", tests: "TestRefusedTransaction",
	},
	{
		what: "full memory loses the old value of a collection and stores the new",
		file: "internal/store/lua/put.lua", old: "redis.call('SET', KEYS[2], '', 'PX', 1)", new: "",
		pkg: "internal/store", tests: "TestFullMemoryRefusesAWholePut",
	},
	{
		what: "a mark in full memory loses the value",
		file: "internal/store/lua/put.lua",
		old:  "if marker ~= '' and not staged then",
		new:  "if marker ~= '' and not staged then redis.call('UNLINK', KEYS[1])",
		pkg:  "internal/store", tests: "TestFullMemoryRefusesAWholePut",
	},

	// Writes that were not acknowledged.
	{
		what: "what Redis may still have of an undelivered key is served",
		file: "internal/client/undelivered.go", old: "return u.bypass != nil || u.marks[mark] > 0", new: "return u.bypass != nil",
		pkg: "cache", tests: "TestG2UndeliveredWrites",
	},
	{
		what: "a load of an undelivered key is stored",
		file: "internal/protocol/degrade.go", old: "if j.Degraded || r.Refresh || ", new: "if true || ",
		pkg: "cache", tests: "TestG2UndeliveredWrites",
	},
	{
		what: "a later write makes up for one that fails after it was sent",
		file: "internal/client/undelivered.go", old: "if d == nil || d.noted > failures {", new: "if d == nil {",
		pkg: "internal/client", tests: "TestAcknowledged",
	},
	{
		what: "a key that fails again while its delete is sent counts as delivered",
		file: "internal/client/undelivered.go", old: "return u.deletes[d.Step.Key()] != d })", new: "return u.deletes[d.Step.Key()] == nil })",
		pkg: "internal/client", tests: "TestRedeliverFailsAgainMeanwhile",
	},
	{
		what: "keys beyond those remembered are cached",
		file: "internal/client/undelivered.go", old: "if !u.add(&d) {", new: "if !u.add(&d) && false {",
		pkg: "internal/client", tests: "TestUndeliveredBypass|TestUndeliveredBytes",
	},
	{
		what: "a bypass ends with what is remembered",
		file: "internal/client/undelivered.go", old: "len(due) == 0 && u.bypass.isOver(now)", new: "len(due) == 0",
		pkg: "internal/client", tests: "TestUndeliveredBypass",
	},

	// Breakers.
	{
		what: "a server that does not answer is asked on and on",
		file: "internal/client/breaker.go", old: "if br.lost < maxLost {", new: "if true {",
		pkg: "internal/client", tests: "TestBreaker",
	},
	{
		what: "a caller that leaves early opens a breaker",
		file: "internal/client/breaker.go", old: "m.outcome == silent && silence:", new: "m.outcome == silent && (silence || true):",
		pkg: "internal/client", tests: "TestBreakerStaysClosed|TestBreakerWithEarlyDeadlines",
	},
	{
		what: "an answer between two misses is forgotten",
		file: "internal/client/breaker.go", old: "br != nil && br.open == nil {", new: "false {",
		pkg: "internal/client", tests: "TestBreakerOfTwoStores",
	},
	{
		what: "lost connections open a breaker without a probe",
		file: "internal/client/breaker.go", old: "case m.outcome == fails, m", new: "case m.outcome == broken, m.outcome == fails, m",
		pkg: "internal/client", tests: "TestBreakerStaysClosed",
	},
	{
		what: "a breaker never closes",
		file: "internal/client/probe.go", old: "case o == serves:", new: "case false:",
		pkg: "internal/client", tests: "TestBreaker",
	},
	{
		what: "a server is probed by several at a time",
		file: "internal/client/probe.go", old: "if br.probing {", new: "if false {",
		pkg: "internal/client", tests: "TestBreakerAfterLostConnections",
	},
	{
		what: "a server is probed without a pause",
		file: "internal/client/probe.go", old: "time.After(pause/2 + rand.N(pause/2))", new: "time.After(rand.N(pause) / 1000)",
		pkg: "internal/client", tests: "TestBreakerProbesAlone",
	},
	{
		what: "probes go on when nobody asks",
		file: "internal/client/probe.go", old: "time.Since(b.asked) > restAfter", new: "false",
		pkg: "internal/client", tests: "TestBreakerRests",
	},
	{
		what: "probes outlive the last store",
		file: "internal/client/probe.go", old: "b.stopped = true\n\t\tclose(b.stop)", new: "",
		pkg: "internal/client", tests: "TestBreakerEndsWithTheLastStore",
	},
	{
		what: "a probe waits for go-redis to dial",
		file: "internal/client/probe.go", old: "allowDials(server)", new: "_ = server",
		pkg: "internal/client", tests: "TestBreakerOfASmallPool",
	},
	{
		what: "a dead master has the commands for others wait",
		file: "internal/client/admit.go", old: "!cluster || x.breakers.troubled.Load() == 0", new: "true || !cluster",
		pkg: "internal/client", tests: "TestBreakerOfOneMaster",
	},
	{
		what: "commands that share a pipeline are sent to a server that does not answer",
		file: "internal/client/pipeline.go", old: "if err := c.admitQueued(ctx, all); err != nil {", new: "if err := error(nil); err != nil {",
		pkg: "internal/client", tests: "TestBreakerOfSharedPipelines",
	},
	{
		what: "what a caller has left counts when it is answered late",
		file: "internal/client/track.go", old: "if !left {", new: "if !left || true {",
		pkg: "internal/client", tests: "TestBreakerOfASlowServer",
	},
	{
		what: "a server that loads its data is asked",
		file: "internal/client/outcome.go", old: `"LOADING", `, new: "",
		pkg: "internal/client", tests: "TestBreaker",
	},
	{
		what: "each call that is not sent is told",
		file: "cache/errors.go", old: "lasts = true", new: "",
		pkg: "cache", tests: "TestG9BreakerCloses",
	},

	// Families and codecs.
	// Stale values.
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
		file: "internal/flight/batch.go", old: "g.execution(ctx, nil, led, fn)", new: "g.execution(ctx, g.parent(ctx), led, fn)",
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
		file: "cache/many.go", old: "if due == nil {", new: "if due != nil {\n\t\t\t\tc.core.engine.RefreshInBackground(ctx, &due.run)\n\t\t\t}\n\t\t\t{",
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
		what: "a keyspace is never left",
		file: "internal/registry/registry.go", old: "if m.left {", new: "if true {",
		pkg: "internal/registry", tests: "TestLeave",
	},
	{
		what: "a closed cache stays a member of its keyspace",
		file: "cache/cache.go", old: "c.core.member.Leave()", new: "",
		pkg: "cache", tests: "TestOneNameAfterClose",
	},
	{
		what: "codecs of one keyspace are not compared",
		file: "internal/registry/form.go",
		old:  "return f.shape == g.shape && f.call == g.call && slices.Equal(f.codecs, g.codecs)",
		new:  "return f.shape == g.shape && f.call == g.call",
		pkg:  "internal/registry", tests: "TestFormsOfCodecs",
	},
	{
		what: "JSON takes a type that it loses a part of",
		file: "codec/json.go", old: `range JSONProblems(t, "")`, new: "range []error(nil)",
		pkg: "codec", tests: "TestJSONCheckNamesTheField",
	},
	{
		what: "a field that go-redis has written in binary is not read",
		file: "hashmap/value.go",
		old:  "return lenient{t, s, binary}, nil",
		new:  "return scalar{s, s}, nil",
		pkg:  "hashmap", tests: "TestWeReadWhatGoRedisWritesByBinaryMethods",
	},
}
