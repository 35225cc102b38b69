package layout

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	linkInText = regexp.MustCompile(`\]\(([\w./#:-]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInLinks = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Links of the documents lead to files and headings that there are.
func TestLinks(t *testing.T) {
	documents := filesOf(t, ".md")
	for file, text := range documents {
		for _, m := range linkInText.FindAllStringSubmatch(text, -1) {
			target, part, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, ":") { // of another host
				continue
			}
			to := file
			if target != "" {
				to = path.Join(path.Dir(file), target)
			}
			if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(to))); err != nil {
				t.Errorf("%s links to %s, which is not there", file, m[1])
				continue
			}
			if part != "" && !hasHeading(documents[to], part) {
				t.Errorf("%s links to %s, and there is no such heading", file, m[1])
			}
		}
	}
}

// hasHeading reports whether a document has a heading that a link names as a browser does.
func hasHeading(text, name string) bool {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		plain := strings.ToLower(notInLinks.ReplaceAllString(m[1], ""))
		if strings.ReplaceAll(plain, " ", "-") == name {
			return true
		}
	}
	return false
}

// The index has all documents, and so does the comment of package cache. README.md has the index.
func TestDocumentsAreIndexed(t *testing.T) {
	documents := filesOf(t, ".md")
	comment := filesOf(t, ".go")["cache/doc.go"]
	for file := range documents {
		name, inDocs := strings.CutPrefix(file, "docs/")
		if !inDocs || name == "README.md" {
			continue
		}
		if !strings.Contains(documents["docs/README.md"], "]("+name+")") {
			t.Errorf("docs/README.md does not link to %s", name)
		}
		if !strings.Contains(comment, file) {
			t.Errorf("the comment of package cache does not name %s", file)
		}
	}
	if !strings.Contains(documents["README.md"], "](docs/README.md)") {
		t.Error("README.md does not link to docs/README.md")
	}
}

// README.md has the program of examples/hello.
func TestProgramOfREADME(t *testing.T) {
	program := filesOf(t, ".go")["examples/hello/main.go"]
	_, program, _ = strings.Cut(program, "\n") // the comment of the package
	if !strings.Contains(filesOf(t, ".md")["README.md"], "```go\n"+program+"```") {
		t.Error("README.md does not have the program of examples/hello/main.go")
	}
}
