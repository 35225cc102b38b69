package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What does less under the race detector is run without it as well: .ci/run has a pattern of the
// names of these tests, and runs those of packages with files for builds without it.
func TestRunWithoutTheRaceDetector(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("..", "..", ".ci", "run"))
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(`(?m)^without_race='(.*)'$`).FindStringSubmatch(string(script))
	if pattern == nil {
		t.Fatal(".ci/run has no pattern without_race")
	}
	matched := regexp.MustCompile(pattern[1])
	found := 0
	for file, text := range filesOf(t, ".go") {
		needsServers := strings.HasPrefix(file, "internal/fleet/") // of which there are none then
		if needsServers || strings.HasPrefix(file, "bench/") || !strings.Contains(text, "raceEnabled") {
			continue
		}
		for _, test := range testsThatUse(t, text, "raceEnabled") {
			found++
			if !matched.MatchString(test) {
				t.Errorf("%s: %s does less with the race detector, and .ci/run does not run it without",
					file, test)
			}
		}
	}
	if found < 10 {
		t.Errorf("found %d tests that ask for the race detector, want more", found)
	}
}

// testsThatUse returns the tests of a file that use a variable, or a function of the file that
// does.
func testsThatUse(t *testing.T, text, variable string) (tests []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{variable: true}
	for range 2 { // the functions, and what calls them
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || names[f.Name.Name] {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && names[id.Name] {
					names[f.Name.Name] = true
				}
				return true
			})
		}
	}
	for name := range names {
		if strings.HasPrefix(name, "Test") {
			tests = append(tests, name)
		}
	}
	return tests
}
