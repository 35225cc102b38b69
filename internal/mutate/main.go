// Command mutate checks the tests: it breaks the code on purpose, in one place at a time, and
// expects a test to fail. A mutant that no test kills is behaviour that no test holds.
//
//	go run ./internal/mutate              # all of the lists
//	go run ./internal/mutate -run flight  # those whose file or description matches
//
// The tree is never changed: a mutant reaches the compiler by an overlay.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
)

func main() {
	only := flag.String("run", "", "apply only the mutants whose file or description matches this `regexp`")
	flag.Parse()
	matches, err := regexp.Compile(*only)
	if err != nil {
		fail(err)
	}
	var chosen []mutant
	for _, m := range mutants {
		if matches.MatchString(m.String()) {
			chosen = append(chosen, m)
		}
	}
	root, err := moduleRoot()
	if err != nil {
		fail(err)
	}
	scratch, err := os.MkdirTemp("", "mutate")
	if err != nil {
		fail(err)
	}
	killed, err := (&runner{root: root, scratch: scratch, out: os.Stdout}).run(chosen)
	_ = os.RemoveAll(scratch)
	if err != nil {
		fail(err)
	}
	if killed < len(chosen) {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "mutate:", err)
	os.Exit(1)
}
