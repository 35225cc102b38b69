package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Section is what one scenario has found.
type Section struct {
	Title  string
	Text   string // how it was measured and how to read it
	Tables []Table
	Plots  []Plot
}

// A Page is the whole report.
type Page struct {
	Title    string
	Facts    Table // machine, versions, noise
	Text     string
	Sections []Section
}

// Write writes report.md and the plots into a folder, which is made if need be.
func (p *Page) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n", p.Title)
	if err := p.Facts.write(&b); err != nil {
		return err
	}
	fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(p.Text))
	for _, s := range p.Sections {
		if err := s.write(&b, dir); err != nil {
			return err
		}
	}
	text := append(bytes.TrimSpace(b.Bytes()), '\n')
	return os.WriteFile(filepath.Join(dir, "report.md"), text, 0o666)
}

func (s *Section) write(b *bytes.Buffer, dir string) error {
	fmt.Fprintf(b, "## %s\n\n%s\n\n", s.Title, strings.TrimSpace(s.Text))
	for _, t := range s.Tables {
		if err := t.write(b); err != nil {
			return err
		}
	}
	for _, p := range s.Plots {
		if err := p.write(filepath.Join(dir, p.File)); err != nil {
			return err
		}
		fmt.Fprintf(b, "![%s](%s)\n\n", p.Title, p.File)
	}
	return nil
}
