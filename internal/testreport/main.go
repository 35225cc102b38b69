// Testreport reads what go test -json prints, shows of it what go test shows without -v,
// as the packages end, and then the slowest tests.
//
//	go test -json ./... | go run ./internal/testreport
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	if err := report(os.Stdin, os.Stdout, 10); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
}

// An event is a line of go test -json, see go doc test2json.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64 // seconds
}

// A test is one that stands at the top of its package.
type test struct {
	pkg, name     string
	own, subtests time.Duration // subtests that are parallel run when the test itself has ended
}

func (t *test) took() time.Duration { return max(t.own, t.subtests) }

// report copies what is of interest of the events in r to w, and adds the slowest tests.
func report(r io.Reader, w io.Writer, slowest int) error {
	tests := make(map[[2]string]*test)
	outputs := make(map[[2]string]string) // of tests that run, by package and name
	for events := json.NewDecoder(r); ; {
		var e event
		if err := events.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		id := [2]string{e.Package, e.Test}
		switch {
		case e.Action == "build-output", e.Action == "output" && e.Test == "" && e.Output != "PASS\n":
			fmt.Fprint(w, e.Output)
		case e.Action == "output":
			outputs[id] += e.Output
		case e.Action == "pass" || e.Action == "skip" || e.Action == "fail":
			if e.Action == "fail" {
				fmt.Fprint(w, outputs[id])
			}
			delete(outputs, id)
			count(tests, e)
		}
	}
	for _, output := range outputs { // of tests that have not ended, as their package has crashed
		fmt.Fprint(w, output)
	}
	all := make([]*test, 0, len(tests))
	for _, t := range tests {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *test) int { return int(b.took() - a.took()) })
	fmt.Fprintln(w, "the slowest tests:")
	for _, t := range all[:min(slowest, len(all))] {
		fmt.Fprintf(w, "%7.1f s  %s %s\n", t.took().Seconds(), t.pkg, t.name)
	}
	return nil
}

// count adds the time of a test that has ended to what stands at the top of it.
func count(tests map[[2]string]*test, e event) {
	path := strings.Split(e.Test, "/")
	id := [2]string{e.Package, path[0]}
	if e.Test != "" && tests[id] == nil {
		tests[id] = &test{pkg: e.Package, name: path[0]}
	}
	took := time.Duration(e.Elapsed * float64(time.Second))
	switch {
	case e.Test == "": // the package itself
	case len(path) == 1:
		tests[id].own = took
	case len(path) == 2:
		tests[id].subtests += took
	}
}
