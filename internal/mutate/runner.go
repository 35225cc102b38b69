package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A mutant is one way to break the code, and the tests that are to notice it.
type mutant struct {
	what     string // that goes wrong
	file     string // from the root of the module; Lua that a package embeds is as good as Go
	old, new string // old is there once
	pkg      string // the folder of the tests
	tests    string // their names, with | between them
}

func (m mutant) String() string { return m.file + ": " + m.what }

// apply returns the source of the mutant.
func (m mutant) apply(source string) (string, error) {
	if n := strings.Count(source, m.old); n != 1 {
		return "", fmt.Errorf("%v: %q is there %d times, not once: the list of mutants has to follow the code", m, m.old, n)
	}
	return strings.Replace(source, m.old, m.new, 1), nil
}

// limit is how long the tests of one mutant may take. A mutant that makes them hang is killed.
const limit = 2 * time.Minute

// A runner applies mutants to the module at root.
type runner struct {
	root    string
	scratch string // a folder for binaries and overlays
	out     io.Writer
}

// run applies mutants one at a time and returns how many are killed. An error says that the
// list is of no use: a text is not found, the mutant is no program, a test does not exist or
// fails without a mutant.
func (r *runner) run(mutants []mutant) (killed int, err error) {
	if err := r.checkTests(mutants); err != nil {
		return 0, err
	}
	var broken []error
	for _, m := range mutants {
		began := time.Now()
		by, err := r.kill(m)
		took := time.Since(began).Round(100 * time.Millisecond)
		switch {
		case err != nil:
			broken = append(broken, err)
			fmt.Fprintf(r.out, "BROKEN    %v (%v)\n", m, took)
		case by == "":
			fmt.Fprintf(r.out, "SURVIVED  %v (%v)\n", m, took)
		default:
			killed++
			fmt.Fprintf(r.out, "killed    %v: %s (%v)\n", m, by, took)
		}
	}
	fmt.Fprintf(r.out, "%d of %d mutants killed\n", killed, len(mutants))
	return killed, errors.Join(broken...)
}

// checkTests runs the tests of all mutants on the code as it is.
func (r *runner) checkTests(mutants []mutant) error {
	tests := make(map[string][]string) // by package
	var packages []string
	for _, m := range mutants {
		if tests[m.pkg] == nil {
			packages = append(packages, m.pkg)
		}
		tests[m.pkg] = append(tests[m.pkg], strings.Split(m.tests, "|")...)
	}
	for _, pkg := range packages {
		binary, err := r.build(pkg)
		if err != nil {
			return err
		}
		listed, err := r.command(pkg, binary, "-test.list", ".").Output()
		if err != nil {
			return fmt.Errorf("%s: %w", pkg, err)
		}
		there := strings.Fields(string(listed))
		for _, name := range tests[pkg] {
			if !slices.Contains(there, name) {
				return fmt.Errorf("%s has no test %s", pkg, name)
			}
		}
		if output, err := r.test(pkg, binary, tests[pkg]); err != nil {
			return fmt.Errorf("%s fails without a mutant: %w\n%s", pkg, err, output)
		}
	}
	return nil
}

// kill returns which test kills a mutant, "" if none does.
func (r *runner) kill(m mutant) (by string, err error) {
	file := filepath.Join(r.root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	mutated, err := m.apply(string(source))
	if err != nil {
		return "", err
	}
	replacement := filepath.Join(r.scratch, "mutant"+filepath.Ext(file))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{file: replacement}})
	if err != nil {
		return "", err
	}
	overlayFile := filepath.Join(r.scratch, "overlay.json")
	err = errors.Join(os.WriteFile(replacement, []byte(mutated), 0o600), os.WriteFile(overlayFile, overlay, 0o600))
	if err != nil {
		return "", err
	}
	binary, err := r.build(m.pkg, "-overlay", overlayFile)
	if err != nil {
		return "", fmt.Errorf("%v: %w", m, err)
	}
	output, err := r.test(m.pkg, binary, strings.Split(m.tests, "|"))
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", nil
	case !errors.As(err, &exit):
		return "", err
	}
	return killer(output), nil
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// killer says what has failed in the output of tests.
func killer(output []byte) string {
	if names := failed.FindSubmatch(output); names != nil {
		return string(names[1])
	}
	return "the process has ended" // by a panic, or after limit
}

// build compiles the tests of a package.
func (r *runner) build(pkg string, flags ...string) (binary string, err error) {
	binary = filepath.Join(r.scratch, "tests.exe")
	args := append([]string{"test", "-c", "-o", binary}, flags...)
	cmd := exec.Command("go", append(args, "./"+pkg)...)
	cmd.Dir = r.root
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s does not compile: %w\n%s", pkg, err, output)
	}
	return binary, nil
}

// test runs tests of a package, on simulated servers alone.
func (r *runner) test(pkg, binary string, names []string) (output []byte, err error) {
	pattern := "^(" + strings.Join(names, "|") + ")$"
	return r.command(pkg, binary, "-test.short", "-test.timeout", limit.String(), "-test.run", pattern).CombinedOutput()
}

func (r *runner) command(pkg, binary string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Dir = filepath.Join(r.root, filepath.FromSlash(pkg)) // as go test does
	return cmd
}

// moduleRoot returns the folder of the module that the working directory is in.
func moduleRoot() (string, error) {
	output, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}
