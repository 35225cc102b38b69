package cachetest

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

const updateFlag = "update"

// The flag -update is often that of the user's own tests, and defined after this package is
// initialized: to define it here as well would panic there. So that is left to the moment when
// flags are parsed, and only done if -update is an argument: a flag in front of the others, which
// is removed again, defines it then if nobody has.
func init() {
	if !testing.Testing() || !slices.ContainsFunc(os.Args[1:], isUpdate) {
		return
	}
	args := os.Args
	const early = "aside.cachetest.define-update"
	flag.BoolFunc(early, "", func(string) error {
		os.Args = args
		if flag.Lookup(updateFlag) == nil {
			flag.Bool(updateFlag, false, "write the files of cachetest.Schema")
		}
		return nil
	})
	os.Args = slices.Concat(args[:1], []string{"-" + early}, args[1:])
}

// isUpdate reports whether a program's argument sets the flag.
func isUpdate(arg string) bool {
	name, _, _ := strings.Cut(arg, "=")
	return name == "-"+updateFlag || name == "--"+updateFlag
}

// updates reports whether the flag -update is set, whoever has defined it.
func updates() bool {
	f := flag.Lookup(updateFlag)
	return f != nil && f.Value.String() == "true"
}
