package main

// nearMutants break what keeps values in memory from being older than promised.
var nearMutants = []mutant{
	{
		what: "what was read before an invalidation is kept",
		file: "internal/near/space.go", old: "sh.count.Load() != k.count ||", new: "",
		pkg: "internal/near", tests: "TestRaces",
	},
	{
		what: "an invalidation of what is not there is forgotten",
		file: "internal/near/space.go", old: "sh.count.Add(1)", new: "",
		pkg: "internal/near", tests: "TestRaces",
	},
	{
		what: "an older read takes the place of a later one",
		file: "internal/near/space.go", old: "|| old != nil && old.sent > e.sent", new: "",
		pkg: "internal/near", tests: "TestRaces",
	},
	{
		what: "what was read before a flush is kept",
		file: "internal/near/tier.go", old: "|| k.space != t.space.Load() ||", new: "||",
		pkg: "internal/near", tests: "TestRaces",
	},
	{
		what: "entries are served while nobody tells of writes",
		file: "internal/near/entry.go", old: "return now < e.until.Load() && (e.epoch == nil || e.epoch.Proven(now, Bound))", new: "return now < e.until.Load()",
		pkg: "internal/near", tests: "TestServed",
	},
	{
		what: "absences are served for as long as values",
		file: "internal/near/entry.go", old: "if e.Brief {", new: "if false {",
		pkg: "internal/near", tests: "TestTTL",
	},
	{
		what: "entries are served beyond the TTL in Redis",
		file: "internal/near/entry.go", old: "min(e.ends, e.sent+int64(ttl))", new: "e.sent+int64(ttl)",
		pkg: "internal/near", tests: "TestTTL",
	},
	{
		what: "what was evicted stays in the index",
		file: "internal/near/space.go", old: "if sh.entries[e.text] == e {", new: "if false {",
		pkg: "internal/near", tests: "TestBounds",
	},
	{
		what: "a read during a write is kept",
		file: "internal/protocol/write.go", old: "e.Store.Written(keys...) // before others may begin", new: "",
		pkg: "cache", tests: "TestNearOwnWrites",
	},
	{
		what: "a read during the store of a load is kept",
		file: "internal/protocol/commit.go", old: "	e.written(sent)\n	sent.spent(began)", new: "	sent.spent(began)",
		pkg: "cache", tests: "TestNearOwnWrites",
	},
	{
		what: "the near cache does not hear of neighbouring versions",
		file: "internal/store/written.go", old: "if i != controlKey {", new: "if i == 0 {",
		pkg: "cache", tests: "TestNearOwnWrites",
	},
	{
		what: "a value is handed out that its caller may change",
		file: "cache/near.go", old: "e.value = c.own(r.value)", new: "e.value = r.value",
		pkg: "cache", tests: "TestNearClone",
	},
	{
		what: "what was read before a key counts as not cached is served from memory",
		file: "internal/store/redeliver.go", old: "	s.Written(key) // what was", new: "	// what was",
		pkg: "cache", tests: "TestNearReadsBetweenAFailureAndWhatFollows",
	},
	{
		what: "keys that cannot be compared are looked for in memory",
		file: "cache/near.go", old: "return !c.anyKeys || ", new: "return true || ",
		pkg: "cache", tests: "TestNearKeysOfInterfaces",
	},
	{
		what: "go-redis is waited for, whatever the context",
		file: "internal/tracking/within.go", old: "	case <-ctx.Done():\n		var none T", new: "	case <-context.Background().Done():\n		var none T",
		pkg: "cache", tests: "TestNearWhileRedisHangs",
	},

	// What tells of writes.
	{
		what: "an answer proves what was written before its question",
		file: "internal/tracking/heart.go", old: "h.confirm(h.sent[len(h.sent)-1])", new: "h.confirm(h.sent[0])",
		pkg: "internal/tracking", tests: "TestProofIsTwoPingsOld",
	},
	{
		what: "a server that has become a replica is listened to",
		file: "internal/tracking/heart.go", old: "if err == nil && role != \"master\" {", new: "if err == nil && role == \"\" {",
		pkg: "internal/tracking", tests: "TestReplicaIsLost",
	},
	{
		what: "a PING that is refused ends the connection",
		file: "internal/tracking/heart.go", old: "_, err = h.conn.hello(\"HELLO\")", new: "",
		pkg: "internal/tracking", tests: "TestPingsThatAreRefused",
	},
	{
		what: "a server that speaks RESP2 is believed",
		file: "internal/tracking/handshake.go", old: "if protocol != int64(3) {", new: "if protocol == nil {",
		pkg: "internal/tracking", tests: "TestServersThatCannotTrack",
	},
	{
		what: "an idle connection is not woken",
		file: "internal/tracking/heart.go", old: "		h.burst = len(h.sent)\n		h.of.look()", new: "		h.of.look()",
		pkg: "internal/tracking", tests: "TestIdleConnectionBeatsOnceASecond",
	},
	{
		what: "a FLUSHALL leaves the epoch",
		file: "internal/tracking/node.go", old: "s.changes})\n		s.epoch.ended.Store(true)", new: "s.changes})",
		pkg: "internal/tracking", tests: "TestFlushOfAllKeysEndsTheEpoch",
	},
	{
		what: "a flight that waits for a lease of its own process is not told of its end",
		file: "internal/protocol/lease.go", old: "e.Waker.released(l.Key())", new: "_ = l",
		pkg: "cache", tests: "TestLeaseReleasedHere",
	},
	{
		what: "what a call finds that has not read is not kept near",
		file: "internal/protocol/load.go", old: "			j.result.FromRedis = true\n", new: "",
		pkg: "cache", tests: "TestNearKeepsWhatWasNotExpected",
	},
	{
		what: "a value near that came with the answer to a lease has no TTL",
		file: "internal/store/acquire.go", old: "c.Value, c.TTL = []byte(value), remaining(left)", new: "c.Value = []byte(value)",
		pkg: "cache", tests: "TestNearKeepsWhatWasNotExpected",
	},
	{
		what: "a short string does not come with the answer to a lease",
		file: "internal/store/acquire.go", old: "longest = shortString", new: "_ = shortString",
		pkg: "cache", tests: "TestForeseenMisses",
	},
	{
		what: "a load that waits asks for TTLs that nobody needs",
		file: "cache/new.go", old: "c.store.ReadTTLs(c.staleFor > 0 || cfg.lease == Off)", new: "c.store.ReadTTLs(true)",
		pkg: "cache", tests: "TestNearWaitersAreWoken",
	},
}
