package redistest

import (
	"os"
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
