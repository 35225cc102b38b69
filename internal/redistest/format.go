package redistest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// FormatTable returns the rows below a table's head in docs/format.md, for a test of a package
// two levels below the module's root.
func FormatTable(t *testing.T, head string) (rows [][]string) {
	t.Helper()
	b, err := os.ReadFile("../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(b), "\n"+head+"\n")
	if !found {
		t.Fatalf("docs/format.md has no table with the head %q", head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		row := strings.Split(strings.Trim(line, "|\n"), " | ")
		for i := range row {
			row[i] = strings.Trim(strings.TrimPrefix(strings.TrimSuffix(row[i], " "), " "), "`")
		}
		rows = append(rows, row)
	}
	return rows[1:] // without the rule below the head
}

// Rules returns the rules of ACL SETUSER that docs/operations.md has in these lines, each once, for
// a test of a package two levels below the module's root.
func Rules(t *testing.T, lines ...string) (rules []string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		_, rest, found := strings.Cut(string(page), "\n| "+line+" | `")
		if !found {
			t.Fatalf("docs/operations.md has no rules for %s", line)
		}
		row, _, _ := strings.Cut(rest, "`")
		for _, rule := range strings.Fields(strings.ReplaceAll(row, `\|`, "|")) {
			if !slices.Contains(rules, rule) {
				rules = append(rules, rule)
			}
		}
	}
	return rules
}
