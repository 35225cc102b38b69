package main

// hotMutants break what finds the keys that are looked up most.
var hotMutants = []mutant{
	{
		what: "yesterday's hot key stays",
		file: "internal/hotkeys/sketch.go", old: "if e.count /= 2; e.count < keptFrom/2 {", new: "if e.count < keptFrom/2 {",
		pkg: "internal/hotkeys", tests: "TestAging",
	},
	{
		what: "more keys are kept than there may be",
		file: "internal/hotkeys/sketch.go", old: "if len(s.least) < MaxKeys {", new: "if true {",
		pkg: "internal/hotkeys", tests: "TestBounds",
	},
	{
		what: "a key that comes late is never named",
		file: "internal/hotkeys/sketch.go", old: "case s.wears(b.count):", new: "case false:",
		pkg: "internal/hotkeys", tests: "TestNewcomers",
	},
	{
		what: "a key takes the place of one that is looked up more",
		file: "internal/hotkeys/sketch.go", old: "if s.least[0].count >= count {", new: "if false {",
		pkg: "internal/hotkeys", tests: "TestNewcomers",
	},
	{
		what: "the key with the fewest lookups is not found",
		file: "internal/hotkeys/sketch.go", old: "heap.Fix(&s.least, e.place)", new: "",
		pkg: "internal/hotkeys", tests: "TestNewcomers",
	},
	{
		what: "a long key is kept whole",
		file: "internal/hotkeys/sketch.go", old: "text[:min(len(text), MaxText)]", new: "text",
		pkg: "internal/hotkeys", tests: "TestBounds",
	},
	{
		what: "a key that is hot is told of at each lookup",
		file: "internal/hotkeys/sketch.go", old: "e.told = true", new: "",
		pkg: "internal/hotkeys", tests: "TestHot",
	},
	{
		what: "a near hit is not counted",
		file: "cache/near.go", old: "if hotkeys.Sampled(random) {", new: "if false {",
		pkg: "cache", tests: "TestHotKeys",
	},
	{
		what: "what Redis answers is not counted",
		file: "cache/report.go", old: "if hotkeys.Sampled(rand.Uint32()) {", new: "if false {",
		pkg: "cache", tests: "TestHotKeys",
	},
	{
		what: "HotOnly keeps what is read once",
		file: "cache/hot.go", old: "(!c.near.hotOnly || c.hot.Has(redisKey, tracking.Now()))", new: "true",
		pkg: "cache", tests: "TestNearHotOnly",
	},
}
