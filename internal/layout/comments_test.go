package layout

import (
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

// Comments are wrapped, in Go, Lua and bash.
func TestCommentsAreWrapped(t *testing.T) {
	for file, text := range filesOf(t, ".go", ".lua", "") {
		mark := "//"
		switch {
		case path.Ext(file) == ".lua":
			mark = "--"
		case path.Ext(file) == "" && path.Dir(file) != ".ci":
			continue
		case path.Ext(file) == "":
			mark = "#"
		}
		for _, line := range longComments(text, mark) {
			t.Errorf("%s has a comment of more than %d columns:\n%s", file, columns, line)
		}
	}
}

// longComments returns the lines that are nothing but a comment, and too long. A directive may
// be, and what is indented, an example's output, and what has no space to break it at.
func longComments(text, mark string) (long []string) {
	output := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		words, isComment := strings.CutPrefix(strings.TrimSpace(line), mark)
		prose := strings.HasPrefix(words, " ")
		words = strings.TrimSpace(words)
		switch {
		case !isComment:
			output = false
		case strings.HasPrefix(words, "Output:"), strings.HasPrefix(words, "Unordered output:"):
			output = true
		case prose && !output && utf8.RuneCountInString(line) > columns && strings.Contains(words, " "):
			long = append(long, line)
		}
	}
	return long
}

func TestLongComments(t *testing.T) {
	words := strings.Repeat("word ", 20)
	for _, tt := range []struct {
		name, text string
		want       int
	}{
		{"of 100 columns", "\t// " + words[:95] + "s\n", 0},
		{"of 101 columns", "\t// " + words[:96] + "s\n", 1},
		{"a directive", "//lint:ignore " + words + words + "\n", 0},
		{"indented", "//\t" + words + words + "\n", 0},
		{"code", "\tf(" + words + words + ")\n", 0},
		{"an address", "// https://example.com/" + strings.Repeat("x", 100) + "\n", 0},
		{"output", "// Output:\n// " + words + words + "\n}\n// " + words + words + "\n", 1},
	} {
		if got := longComments(tt.text, "//"); len(got) != tt.want {
			t.Errorf("%s: %q, want %d", tt.name, got, tt.want)
		}
	}
}
