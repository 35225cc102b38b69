package layout

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// columns is the longest that a line of a document and a comment may be.
const columns = 100

// generated are documents that a program writes.
var generated = []string{"bench/results/report.md"}

// Prose is wrapped, so that a change of a sentence is a change of that sentence.
func TestProseIsWrapped(t *testing.T) {
	for file, text := range filesOf(t, ".md") {
		if slices.Contains(generated, file) {
			continue
		}
		for _, line := range longProse(text) {
			t.Errorf("%s has a line of more than %d columns:\n%s", file, columns, line)
		}
	}
}

// longProse returns the lines of a document that are too long. Code, tables and what has no
// space to break it at may be.
func longProse(text string) (long []string) {
	code := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			code = !code
		case code, strings.HasPrefix(line, "|"), utf8.RuneCountInString(line) <= columns:
		case strings.Contains(strings.TrimLeft(line, " -*>"), " "):
			long = append(long, line)
		}
	}
	return long
}

// What is between fences has lines of its own.
func TestFences(t *testing.T) {
	for file, text := range filesOf(t, ".md") {
		fences := 0
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); !strings.Contains(line, "```") {
				continue
			}
			if fences++; strings.Contains(line, " ") || !strings.HasPrefix(line, "```") {
				t.Errorf("%s has code on the line of its fence: %s", file, line)
			}
		}
		if fences%2 != 0 {
			t.Errorf("%s has a fence that does not end", file)
		}
	}
}

func TestLongProse(t *testing.T) {
	words := strings.Repeat("word ", 20)
	link := "[link](https://example.com/" + strings.Repeat("x", 100) + ")"
	for _, tt := range []struct {
		name, text string
		want       int
	}{
		{"of 100 columns", words[:99] + "s\n", 0},
		{"of 101 columns", words + "s\n", 1},
		{"of 100 runes", strings.Repeat("ü ", 50) + "\n", 0},
		{"an item", "- " + words + "\n  " + words + "\n", 2},
		{"a table", "| " + words + "|\n", 0},
		{"code", "```go\n" + words + "s\n```\n" + words + "s\n", 1},
		{"a link", "- " + link + "\n", 0},
		{"a link in a sentence", "See " + link + "\n", 1},
	} {
		if got := longProse(tt.text); len(got) != tt.want {
			t.Errorf("%s: %q, want %d", tt.name, got, tt.want)
		}
	}
}

// The index of the decisions names files that are there, and every decision.
func TestIndexOfDecisions(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "decisions.md"))
	if err != nil {
		t.Fatal(err)
	}
	index, text, ok := strings.Cut(string(page), "\n## The cache\n")
	if !ok {
		t.Fatal("docs/decisions.md has no part on the cache")
	}
	for _, name := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(index, -1) {
		if _, err := os.Stat(filepath.Join("..", "..", name[1])); errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the index names %s, which is not there", name[1])
		}
	}
	decisions := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?ms)^\*\*(.+?)\*\*`).FindAllStringSubmatch(text, -1) {
		decisions[strings.TrimRight(strings.Join(strings.Fields(m[1]), " "), ".,")] = false
	}
	for _, m := range regexp.MustCompile(`(?m)^\|[^|\n]*\| (.+) \|$`).FindAllStringSubmatch(index, -1) {
		if _, known := decisions[m[1]]; !known && m[1] != "---" {
			t.Errorf("the index names a decision that is not there: %s", m[1])
		}
		decisions[m[1]] = true
	}
	for d, indexed := range decisions {
		if !indexed {
			t.Errorf("the index lacks a decision: %s", d)
		}
	}
}

// filesOf returns what stands in the files with these endings, of this module and those below
// it, by their paths.
func filesOf(t *testing.T, endings ...string) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..")
	files := map[string]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "testdata" || name == ".git"):
			return fs.SkipDir
		case d.IsDir() || !slices.Contains(endings, path.Ext(name)):
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// pathInText is the path of a source file as documents name it.
var pathInText = regexp.MustCompile("`([a-z][a-z0-9_./]*/[a-z0-9_]+\\.(?:go|lua))`")

// The page that leads through the files names files that there are.
func TestArchitectureNamesFiles(t *testing.T) {
	text := filesOf(t, ".md")["docs/architecture.md"]
	named := pathInText.FindAllStringSubmatch(text, -1)
	if len(named) < 20 {
		t.Errorf("docs/architecture.md names %d files", len(named))
	}
	for _, m := range named {
		inStore := path.Join("internal/store", m[1]) // as in lua/acquire.lua
		if !exists(m[1]) && !exists(inStore) {
			t.Errorf("docs/architecture.md names %s, which there is not", m[1])
		}
	}
}

func exists(file string) bool {
	_, err := os.Stat(filepath.Join("../..", file))
	return err == nil
}
