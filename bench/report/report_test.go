package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asidecache/aside/bench/report"
)

const page = `# A comparison

|     |    this run |
| --- | ----------: |
| Go  | go1.26 \| a |

What to know.

## Speed

How it was measured.

**Hits**

| contender | 1 caller | 16 callers |
| --------- | -------: | ---------: |
| base      | 20.0 k/s |   50.0 k/s |
| größer    |     1.02 |    not yet |

![Hits](hits.svg)
`

func example() *report.Page {
	p := &report.Page{
		Title: "A comparison", Text: "What to know.\n\n",
		Facts: report.Table{Head: []string{"", "this run"}},
		Sections: []report.Section{{
			Title: "Speed", Text: "How it was measured.",
			Tables: []report.Table{{Title: "Hits", Head: []string{"contender", "1 caller", "16 callers"}}},
			Plots: []report.Plot{{File: "hits.svg", Title: "Hits", X: "callers", Y: "hits a second", Lines: []report.Line{
				{Name: "base", XY: [][2]float64{{1, 20_000}, {16, 50_000}}},
				{Name: "aside & more", XY: [][2]float64{{1, 21_000}, {16, 90_000}}},
			}}},
		}},
	}
	p.Facts.Add("Go", "go1.26 | a")
	hits := &p.Sections[0].Tables[0]
	hits.Add("base", "20.0 k/s", "50.0 k/s")
	hits.Add("größer", "1.02", "not yet")
	return p
}

func TestPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := example().Write(dir); err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir, "report.md"); got != page {
		t.Errorf("the page is\n%s\nwant\n%s", got, page)
	}
	svg := read(t, dir, "hits.svg")
	for _, want := range []string{"<svg", "hits a second", "base", "aside &amp; more"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the plot lacks %q", want)
		}
	}
}

func TestRowOfWrongLength(t *testing.T) {
	p := example()
	p.Sections[0].Tables[0].Add("short")
	if err := p.Write(t.TempDir()); err == nil || !strings.Contains(err.Error(), "Hits") {
		t.Errorf("error %v, want one that names the table", err)
	}
}

func TestPlotThatCannotBeDrawn(t *testing.T) {
	for name, lines := range map[string][]report.Line{
		"no lines": nil,
		"a zero":   {{Name: "aside", XY: [][2]float64{{1, 10}, {16, 0}}}},
	} {
		p := example()
		p.Sections[0].Plots[0].Lines = lines
		if err := p.Write(t.TempDir()); err == nil || !strings.Contains(err.Error(), "hits.svg") {
			t.Errorf("%s: error %v, want one that names the plot", name, err)
		}
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
