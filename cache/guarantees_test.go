package cache_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/guarantees.md names is there, and every test named after a
// promise is in it.
func TestGuaranteesNameTheirTests(t *testing.T) {
	page, err := os.ReadFile("../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, elsewhere := range []string{"../internal/servertest/*_test.go", "../internal/store/*_test.go", "../internal/client/*_test.go", "collection/*_test.go"} {
		more, err := filepath.Glob(elsewhere)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	var sources strings.Builder
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(source)
	}
	for _, name := range regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)").FindAllSubmatch(page, -1) {
		if !strings.Contains(sources.String(), "func "+string(name[1])+"(") {
			t.Errorf("docs/guarantees.md names %s, which is no test", name[1])
		}
	}
	for _, name := range regexp.MustCompile("`TestBehaviour/.../([A-Za-z]+)`").FindAllSubmatch(page, -1) {
		if !strings.Contains(sources.String(), `{"`+string(name[1])+`", case`) {
			t.Errorf("docs/guarantees.md names the case %s, which does not exist", name[1])
		}
	}
	for _, name := range regexp.MustCompile(`func (TestG[0-9]+[A-Za-z0-9]*)\(`).FindAllStringSubmatch(sources.String(), -1) {
		if !strings.Contains(string(page), "`"+name[1]+"`") {
			t.Errorf("docs/guarantees.md does not name %s", name[1])
		}
	}
}
