package main

// auditMutants break what is known of trust.
var auditMutants = []mutant{
	{
		what: "an audit does not ask in the end whether a write has come",
		file: "internal/protocol/audit_end.go", old: "case !stood:", new: "case !stood && false:",
		pkg: "cache", tests: "TestG15LateAndOvertaken",
	},
	{
		what: "a write within Grace is not told from an entry that has ended",
		file: "internal/protocol/audit_end.go", old: "case !held:", new: "case !held && false:",
		pkg: "cache", tests: "TestG15LateAndOvertaken",
	},
	{
		what: "a write while the source is asked counts as late",
		file: "internal/protocol/audit_end.go", old: "r == AuditLate && poll == 0", new: "false",
		pkg: "cache", tests: "TestG15LateAndOvertaken",
	},
	{
		what: "what differs is not looked at again after Grace",
		file: "internal/protocol/audit_end.go", old: "case left <= 0 && a.tryAcquireLoad():", new: "case a.tryAcquireLoad():",
		pkg: "cache", tests: "TestG15Missed",
	},
	{
		what: "a repair leaves what neighbouring versions have",
		file: "internal/protocol/audit.go", old: "AsWrite: e.Audits.Repair", new: "AsWrite: false",
		pkg: "cache", tests: "TestG15RepairOfVersions",
	},
	{
		what: "as many audits load at one time as there are",
		file: "internal/protocol/audit_limit.go", old: "e.auditLimit.tryAcquire(); !a.holdsAudit {", new: "e.auditLimit.tryAcquire(); false {",
		pkg: "cache", tests: "TestAuditsAreBounded",
	},
	{
		what: "an audit of a key that is being audited keeps its place",
		file: "internal/protocol/audit.go", old: "if len(rest) > 0 {", new: "if len(rest) > 9 {",
		pkg: "cache", tests: "TestAuditOfABusyKey",
	},
	{
		what: "an audit waits for the loader in which it has begun",
		file: "internal/protocol/audit.go", old: "e.limit.outside(e.degraded.Outside(e.flights.Outside(ctx)))", new: "e.limit.outside(ctx)",
		pkg: "cache", tests: "TestContextOfAudits",
	},
	{
		what: "MaxPerSecond bounds nothing",
		file: "cache/audit.go", old: "return now >= next &&", new: "return",
		pkg: "cache", tests: "TestAuditsAreBounded",
	},
	{
		what: "each hit is audited whatever Rate is",
		file: "cache/audit.go", old: "rand.Float64() >= s.rate", new: "rand.Float64() < 0",
		pkg: "cache", tests: "TestAuditsAreBounded",
	},
	{
		what: "Equal is asked about equal bytes",
		file: "cache/audit_compare.go", old: "if compare.Spans(&cached.Wire, &encoded.Wire) {", new: "if false {",
		pkg: "cache", tests: "TestAuditWithEqual",
	},
	{
		what: "fields of a hash differ by their bytes",
		file: "cache/audit_compare.go", old: "&& differs(mixed(a, b, name, n, ok))", new: "&& (n >= 0 || ok)",
		pkg: "cache", tests: "TestAuditedValues",
	},
	{
		what: "one NaN is not the other",
		file: "internal/compare/compare.go", old: "a == b || math.IsNaN(a) && math.IsNaN(b)", new: "a == b || false && math.IsNaN(b)",
		pkg: "internal/compare", tests: "TestSame",
	},
	{
		what: "a moment is another one in another zone",
		file: "internal/compare/compare.go", old: "if a.Type() == timeType && a.CanInterface()", new: "if false && a.CanInterface()",
		pkg: "internal/compare", tests: "TestSame",
	},
}
