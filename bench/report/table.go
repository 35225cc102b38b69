// Package report writes what was measured: a page of Markdown and its plots.
package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Table is a table of text.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// write writes the table as Markdown, padded so that it reads as plain text. The
// first column is of words, the others are of figures.
func (t *Table) write(w io.Writer) error {
	widths := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		if len(row) != len(t.Head) {
			return fmt.Errorf("report: a row of table %q has %d cells and not %d", t.Title, len(row), len(t.Head))
		}
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(escape(cell)), 3)
		}
	}
	var b strings.Builder
	if t.Title != "" {
		fmt.Fprintf(&b, "**%s**\n\n", t.Title)
	}
	line(&b, t.Head, widths)
	for i, width := range widths {
		if i == 0 {
			b.WriteString("| " + strings.Repeat("-", width))
		} else {
			b.WriteString(" | " + strings.Repeat("-", width-1) + ":")
		}
	}
	b.WriteString(" |\n")
	for _, row := range t.Rows {
		line(&b, row, widths)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func line(b *strings.Builder, cells []string, widths []int) {
	for i, cell := range cells {
		cell = escape(cell)
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i == 0 {
			b.WriteString("| " + cell + pad)
		} else {
			b.WriteString(" | " + pad + cell)
		}
	}
	b.WriteString(" |\n")
}

// escape keeps a cell within its column.
func escape(cell string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(cell)
}
