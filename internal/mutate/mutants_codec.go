package main

// codecMutants break families of keys and codecs.
var codecMutants = []mutant{
	{
		what: "a keyspace is never left",
		file: "internal/registry/registry.go", old: "if m.left {", new: "if true {",
		pkg: "internal/registry", tests: "TestLeave",
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
