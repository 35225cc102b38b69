package cache_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/guarantees.md names is where it says, and every test named after a
// promise is in it.
func TestGuaranteesNameTheirTests(t *testing.T) {
	page, err := os.ReadFile("../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := testsByFolder(t)
	rows := regexp.MustCompile("(?m)^\\| `((?:Test|Fuzz)\\w+)(?:/\\.\\.\\./(\\w+))?` \\| ([^|]*) \\|").FindAllStringSubmatch(string(page), -1)
	if lines := regexp.MustCompile("(?m)^\\| `(Test|Fuzz)").FindAllString(string(page), -1); len(lines) != len(rows) {
		t.Errorf("of %d tests in tables of docs/guarantees.md, %d can be read", len(lines), len(rows))
	}
	for _, row := range rows {
		name, subtest := row[1], row[2]
		for folder := range strings.SplitSeq(row[3], ", ") {
			source := sources[strings.Trim(folder, "`")]
			if !strings.Contains(source, "func "+name+"(") {
				t.Errorf("docs/guarantees.md names %s, which is no test in %s", name, folder)
			}
			if subtest != "" && !strings.Contains(source, `{"`+subtest+`", case`) {
				t.Errorf("docs/guarantees.md names the case %s, which does not exist in %s", subtest, folder)
			}
		}
	}
	for folder, source := range sources {
		for _, name := range regexp.MustCompile(`func (TestG[0-9]+[A-Za-z0-9]*)\(`).FindAllStringSubmatch(source, -1) {
			if !strings.Contains(string(page), "`"+name[1]+"`") {
				t.Errorf("docs/guarantees.md does not name %s of %s", name[1], folder)
			}
		}
	}
}

// Each row of docs/deploys.md about a change ends with tests, and all that it names exist.
func TestDeploysNameTheirTests(t *testing.T) {
	page, err := os.ReadFile("../docs/deploys.md")
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, source := range testsByFolder(t) {
		all += source
	}
	for line := range strings.Lines(string(page)) {
		if strings.Count(line, "|") == 5 && !strings.HasPrefix(line, "| ---") && !strings.HasSuffix(line, "test |\n") && !strings.HasSuffix(line, "` |\n") {
			t.Errorf("a row of docs/deploys.md names no test: %s", line)
		}
	}
	names := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(page), -1)
	for _, name := range names {
		if !strings.Contains(all, "func "+name[1]+"(") {
			t.Errorf("docs/deploys.md names %s, which is no test", name[1])
		}
	}
	if len(names) < 10 {
		t.Errorf("docs/deploys.md names %d tests", len(names))
	}
}

// Each row of docs/faults.md ends with a test that exists, and each fault that is tested on real
// servers has a row.
func TestFaultsNameTheirTests(t *testing.T) {
	page, err := os.ReadFile("../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, source := range testsByFolder(t) {
		all += source
	}
	for line := range strings.Lines(string(page)) {
		isRow := strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ---")
		if isRow && !strings.HasSuffix(line, "test |\n") && !strings.HasSuffix(line, "` |\n") {
			t.Errorf("a row of docs/faults.md names no test: %s", line)
		}
	}
	named := map[string]bool{}
	for _, name := range regexp.MustCompile("`(Test\\w+)(?:/\\.\\.\\./([^`]+))?`").FindAllStringSubmatch(string(page), -1) {
		named[name[2]] = true
		if !strings.Contains(all, "func "+name[1]+"(") {
			t.Errorf("docs/faults.md names %s, which is no test", name[1])
		}
	}
	faults := regexp.MustCompile(`\{?\s*name: +"([^"]+)", .*begin|\tname: +"([^"]+)",`)
	nights, err := os.ReadFile("../internal/servertest/promise_g9_nights_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, name := range faults.FindAllStringSubmatch(string(nights), -1) {
		if tested++; !named[name[1]+name[2]] {
			t.Errorf("docs/faults.md has no row for %q", name[1]+name[2])
		}
	}
	if tested != 12 || len(named) != tested+1 {
		t.Errorf("%d faults are tested, %d named", tested, len(named)-1)
	}
}

// testsByFolder returns the tests of the packages that the promises are about.
func testsByFolder(t *testing.T) map[string]string {
	t.Helper()
	sources := map[string]string{}
	for _, pattern := range []string{
		"../cache/*_test.go", "../cache/*/*_test.go", "../internal/*/*_test.go", "../codec/*_test.go", "../hashmap/*_test.go", "../cmd/*/*_test.go",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources[filepath.ToSlash(filepath.Dir(file[len("../"):]))] += string(source)
		}
	}
	return sources
}
