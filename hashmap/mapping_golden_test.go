package hashmap_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

var update = flag.Bool("update", false, "write the golden file anew")

// The stored form: every line is a field's name and its bytes, quoted, in the
// order in which they are written.
const golden = "testdata/rich.golden"

func TestGolden(t *testing.T) {
	m := hashmap.MustOf[rich]()
	var b strings.Builder
	for _, s := range spans(encode(t, m, full())) {
		fmt.Fprintf(&b, "%q %q\n", s.name, s.value)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(file) {
		t.Errorf("stored is\n%s\nwant\n%s", b.String(), file)
	}
	if back := decode(t, m, readGolden(t, string(file))); !reflect.DeepEqual(back, full()) {
		t.Errorf("the file is read as\n%+v, want\n%+v", back, full())
	}
}

func readGolden(t *testing.T, file string) *codec.Wire {
	t.Helper()
	w := new(codec.Wire)
	for line := range strings.Lines(file) {
		var pair []string
		for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			s, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			pair, rest = append(pair, s), rest[len(quoted):]
		}
		w.Add([]byte(pair[0]), []byte(pair[1]))
	}
	return w
}
