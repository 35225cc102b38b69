package layout

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/guarantees.md may name only tests that there are, and has to name all that
// are named after a promise.
func TestGuaranteesNameTheirTests(t *testing.T) {
	page, err := os.ReadFile("../../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, name := range regexp.MustCompile("`(Test[A-Z0-9]\\w+)`").FindAllSubmatch(page, -1) {
		named[string(name[1])] = true
	}
	if len(named) == 0 {
		t.Fatal("docs/guarantees.md names no test")
	}
	promise := regexp.MustCompile(`^TestG[0-9]`)
	err = filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllSubmatch(source, -1) {
			name := string(name[1])
			if promise.MatchString(name) && !named[name] {
				t.Errorf("docs/guarantees.md does not name %s of %s", name, path)
			}
			delete(named, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range named {
		t.Errorf("docs/guarantees.md names %s, which is no test", name)
	}
	if !bytes.Contains(page, []byte("| G12 |")) {
		t.Error("docs/guarantees.md has no row for the last promise")
	}
}
