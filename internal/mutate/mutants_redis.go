package main

// redisMutants break deletes, and what becomes of commands that Redis does not answer or refuses.
var redisMutants = []mutant{
	{
		what: "Shutdown gives up deletes that it has time for",
		file: "cache/shutdown.go", old: "if deliver != nil {", new: "if false {",
		pkg: "cache", tests: "TestShutdownDelivers",
	},
	{
		what: "all round trips of a batch together have RedisTimeout",
		file: "internal/client/call.go", old: "return time.Now().Add(c.timeouts.timeout)", new: "return deadline",
		pkg: "cache", tests: "TestManyKeysHaveTimeForEachTrip",
	},
	{
		what: "a load without a lease leaves the control key",
		file: "internal/store/fill.go", old: "c.del.Small(ctx, \"del\", f.store", new: "c.del.Small(ctx, \"exists\", f.store",
		pkg: "cache", tests: "TestForeseenMissesWithoutLeases",
	},
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
		file: "internal/client/batch.go",
		old:  "if c == nil || q.client.timeouts.timeout > c.timeouts.timeout {",
		new:  "if c == nil {",
		pkg:  "internal/store", tests: "TestTimeoutsInOneBatch",
	},
	{
		what: "a caller waits for a connection for as long as for an answer",
		file: "internal/client/timeouts.go", old: "w.of.executor.expireWaiting(w)", new: "",
		pkg: "internal/client", tests: "TestPassengersWithoutAConnection",
	},
	{
		what: "a batch that is not answered keeps its callers",
		file: "internal/client/timeouts.go", old: "p.executor.expireSent(w)", new: "",
		pkg: "internal/client", tests: "TestPassengersWithoutAConnection",
	},
	{
		what: "a call joins a batch when its time is over",
		file: "internal/client/pipeline.go", old: "case w.isGivenUp():", new: "case false:",
		pkg: "internal/client", tests: "TestCallThatComesTooLateForABatch",
	},
	{
		what: "Close of the last store leaves an attempt to connect behind",
		file: "internal/client/detach.go", old: "c.executor.detached.close(), ", new: "",
		pkg: "internal/client", tests: "TestCloseDuringAnAttemptToConnect",
	},
	{
		what: "a cache that sees few misses predicts none",
		file: "internal/protocol/missrate.go", old: "case e.predictor.inARow.Load() >= predictedAfter:", new: "case false:",
		pkg: "cache", tests: "TestForeseenMissesInARow",
	},
	{
		what: "a hit does not end the prediction of misses",
		file: "internal/protocol/missrate.go", old: "p.inARow.Store(0)", new: "_ = since",
		pkg: "cache", tests: "TestForeseenMissesInARow",
	},
	{
		what: "large answers of one store hold up small ones of another",
		file: "internal/client/pipeline.go", old: "q.answer() > largeAnswer", new: "q.answer() < 0",
		pkg: "internal/store", tests: "TestLargeAnswersBesideSmallOnes",
	},
	{
		what: "a shared pipeline is as small as what is in flight just after an answer",
		file: "internal/client/pipeline.go", old: "max(p.recent, int(x.inFlight.count.Load()))", new: "int(x.inFlight.count.Load())",
		pkg: "internal/client", tests: "TestSeats",
	},
	{
		what: "shared pipelines stay as large as they have ever been",
		file: "internal/client/pipeline.go", old: "p.recent -= p.recent / 4", new: "_ = p.recent",
		pkg: "internal/client", tests: "TestSeats",
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
		what: "calls that a breaker refuses have the map of a cluster left as it is",
		file: "internal/client/breaker.go", old: "x.reloads.want(x.rdb) // its", new: "// its",
		pkg: "internal/client", tests: "TestReloadAfterAPromotion",
	},
	{
		what: "one reload of the map waits for the other",
		file: "internal/client/reload.go", old: "r.underWay < maxReloads {", new: "r.underWay < 1 {",
		pkg: "internal/client", tests: "TestReloadAfterAPromotion",
	},
	{
		what: "the map is reloaded on and on",
		file: "internal/client/reload.go", old: "r.wanted = false", new: "",
		pkg: "internal/client", tests: "TestReloadsEnd",
	},
	{
		what: "what is told of the map late is believed",
		file: "internal/client/reload.go", old: "for range maxLate {", new: "for range 1 {",
		pkg: "internal/client", tests: "TestReloadAfterALateAnswer",
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

	// Deletes that follow writes.
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
		file: "internal/client/undelivered.go", old: "case u.deletes[d.Key] == d:", new: "case u.deletes[d.Key] != nil:",
		pkg: "internal/client", tests: "TestRedeliverFailsAgainMeanwhile",
	},
	{
		what: "deletes in the background write for WAIT behind the default prefix",
		file: "internal/client/redeliver.go", old: "c.SetControlPrefix(kind.prefix)", new: "_ = kind.prefix",
		pkg: "internal/store", tests: "TestRedeliverBehindTheControlPrefix",
	},
	{
		what: "a delete that is sent again needs nothing for WAIT",
		file: "internal/store/delete.go", old: "w.changed = false // by", new: "// by",
		pkg: "internal/store", tests: "TestWriteBarrierOfARepetition",
	},
	{
		what: "a write that may still be carried out is followed by one delete",
		file: "internal/client/undelivered.go", old: "if d.Unsettled {", new: "if d.Unsettled && false {",
		pkg: "cache", tests: "TestG2UnsettledEnds",
	},
	{
		what: "a load without a lease that may still be stored is not followed by deletes",
		file: "internal/protocol/commit.go", old: "e.Reporter.Unleased(j.Key, c.Err)", new: "_ = c.Err",
		pkg: "cache", tests: "TestG2LateStoreWithoutALease",
	},
	{
		what: "a write that Redis has refused may still be carried out",
		file: "internal/store/redeliver.go", old: "w.Stores && !client.IsRefused(w.Cause)", new: "w.Stores",
		pkg: "cache", tests: "TestG2Settled",
	},
	{
		what: "a delete that is carried out late is followed by others",
		file: "cache/redeliver.go", old: "Stores: op != OpDelete", new: "Stores: true",
		pkg: "cache", tests: "TestG2Settled",
	},
	{
		what: "a key that fails again is settled",
		file: "internal/client/undelivered.go", old: "old.Unsettled || d.Unsettled", new: "d.Unsettled",
		pkg: "internal/client", tests: "TestUnsettledFailsAgain",
	},
	{
		what: "keys stay unsettled for as long as a command of the client goes on",
		file: "internal/client/unsettled.go", old: "busy && now.Sub(d.acknowledged) < longestSettle", new: "busy",
		pkg: "internal/client", tests: "TestUnsettledWhileCommandsGoOn",
	},
	{
		what: "a write that Redis has acknowledged is not recorded",
		file: "cache/redeliver.go", old: "c.store.Record(e.Key)", new: "_ = e.Key",
		pkg: "cache", tests: "TestG2FailoverOfWrites",
	},
	{
		what: "another master is taken for that of before",
		file: "internal/client/failover.go", old: "changed = changed || m.before", new: "_ = m.before",
		pkg: "internal/client", tests: "TestFailover",
	},
	{
		what: "the first answer of a master is that of another one",
		file: "internal/client/failover.go", old: "changed = changed || m.before", new: "changed = true",
		pkg: "internal/client", tests: "TestFailoverOfNewSlots",
	},
	{
		what: "what a failover may have forgotten is deleted only if its master is back soon",
		file: "internal/client/failover.go", old: "retryInterval, longestJournal", new: "retryInterval, journalLife",
		pkg: "internal/client", tests: "TestJournalLife",
	},
	{
		what: "deletes after a failover that Redis refuses are not sent again",
		file: "internal/client/failover.go", old: "return len(p.keys) == 0 ||", new: "return !began.Before(p.due) ||",
		pkg: "internal/client", tests: "TestFailoverRefused",
	},
	{
		what: "deletes after a failover are forgotten by the next one",
		file: "internal/client/redeliver.go", old: "x.Record(d.Key, d.By)", new: "_ = d.By",
		pkg: "internal/client", tests: "TestFailoverAfterAFailover|TestFailoverOfDeliveredDeletes",
	},
	{
		what: "keys beyond those remembered are cached",
		file: "internal/client/undelivered.go", old: "if !u.add(&d) {", new: "if !u.add(&d) && false {",
		pkg: "internal/client", tests: "TestUndeliveredBypass|TestUndeliveredBytes",
	},
	{
		what: "a bypass ends with what is remembered",
		file: "internal/client/undelivered.go", old: "undelivered == 0 && u.bypass.isOver(now)", new: "undelivered == 0",
		pkg: "internal/client", tests: "TestUndeliveredBypass",
	},
}
