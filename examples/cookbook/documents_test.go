package cookbook

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A document's code is that of the file whose link stands before it.
func TestDocumentsHaveTheCodeOfFiles(t *testing.T) {
	block := regexp.MustCompile("(?s)\n```(go|python)\n(.*?)\n```")
	link := regexp.MustCompile(`\]\((?:\.\./)?([^)]+\.(?:go|py|mjs))\)`)
	for name, least := range map[string]int{"docs/cookbook.md": 18, "docs/migration.md": 6, "README.md": 2} {
		page, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(page)
		blocks := block.FindAllStringSubmatchIndex(text, -1)
		if len(blocks) < least {
			t.Errorf("%s has %d blocks of code", name, len(blocks))
		}
		for _, at := range blocks {
			links := link.FindAllStringSubmatch(text[:at[0]], -1)
			if links == nil {
				t.Errorf("%s has code before the first link to a file", name)
				continue
			}
			file := links[len(links)-1][1]
			source, err := os.ReadFile(filepath.Join("..", "..", file))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for _, part := range strings.Split(text[at[4]:at[5]], "\n\n") {
				if !strings.Contains(string(source), part) {
					t.Errorf("%s has code that is not in %s:\n%s", name, file, part)
				}
			}
		}
	}
}
