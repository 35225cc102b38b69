package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A list that does not follow the code is found when the code changes, and not at night.
func TestMutantsApply(t *testing.T) {
	for _, m := range mutants {
		source, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(m.file)))
		if err != nil {
			t.Error(err)
			continue
		}
		if mutated, err := m.apply(string(source)); err != nil {
			t.Error(err)
		} else if mutated == string(source) {
			t.Errorf("%v: the mutant is the code as it is", m)
		}
	}
}

func TestKiller(t *testing.T) {
	for output, want := range map[string]string{
		"--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\nFAIL\n": "TestA",
		"panic: test timed out after 2m0s\n":                             "the process has ended",
	} {
		if got := killer([]byte(output)); got != want {
			t.Errorf("%q: killed by %q, want %q", output, got, want)
		}
	}
}
