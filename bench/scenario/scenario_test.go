package scenario_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/scenario"
	"github.com/asidecache/aside/bench/server"
)

// TestMain lets the test program be a process of the fleet, too.
func TestMain(m *testing.M) {
	if is, err := scenario.Worker(); is {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestQuick makes the whole quick report. Its figures are not looked at.
func TestQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("the quick report takes most of a minute")
	}
	program, others, err := server.Find()
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if raceEnabled {
		t.Skip("contenders have races of their own: go-zero's breaker is one that logs while it counts")
	}
	lab := &scenario.Lab{Server: program, Others: others, Quick: true, Progress: t.Logf}
	page, err := scenario.Page(t.Context(), lab, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := page.Write(dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{"This was a quick run", "eko/gocache"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	if n := strings.Count(text, "\n## "); n != len(scenario.All()) {
		t.Errorf("the report has %d sections of %d scenarios", n, len(scenario.All()))
	}
	for _, plot := range []string{"hit-300.svg", "hit-10240.svg", "growth-size.svg"} {
		if _, err := os.Stat(filepath.Join(dir, plot)); err != nil {
			t.Error(err)
		}
	}
	wantCorrectness(t, page)
}

// wantCorrectness checks what aside's row says that does not depend on the machine.
func wantCorrectness(t *testing.T, page *report.Page) {
	t.Helper()
	for _, s := range page.Sections {
		if s.Title != "Correctness" {
			continue
		}
		for _, row := range s.Tables[0].Rows {
			if !strings.HasPrefix(row[0], "aside") {
				continue
			}
			if row[1] != "no" || row[3] != "no" || strings.HasSuffix(row[6], "error") || strings.HasSuffix(row[7], "error") {
				t.Errorf("correctness: %q", row)
			}
		}
		return
	}
	t.Error("the report has no section about correctness")
}

func TestUnknownScenario(t *testing.T) {
	_, err := scenario.Page(t.Context(), &scenario.Lab{}, []string{"hits"})
	if err == nil || !strings.Contains(err.Error(), "stampede") {
		t.Errorf("error %v, want one that lists the scenarios", err)
	}
}
