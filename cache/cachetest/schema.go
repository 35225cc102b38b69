package cachetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
)

// Schema compares what a codec stores with the description in a file, and fails the test if it
// has changed: with a sentence for each change that says what becomes of the entries while
// processes of both versions run, and whether the cache needs another Version.
//
//	func TestUserSchema(t *testing.T) {
//		cachetest.Schema(t, codec.Msgpack[User](), "testdata/user.schema")
//	}
//
// With the flag -update, as in
//
//	go test -run TestUserSchema -update
//
// it writes the file, and the folder that it is in. The file belongs to the source code: in it
// is what the version that is running stores. docs/deploys.md shows one.
//
// A flag -update that a test or another package defines is the same flag. Where there is none,
// it is defined when flags are parsed, if it is among the arguments.
//
// The codec must be a codec.Describer, as those of package codec and hashmap are, and so must
// those that it wraps. What the methods of a type write, and what an interface holds, is not
// looked into: a change of it is not seen.
func Schema[V any](t testing.TB, c codec.Codec[V], file string) {
	t.Helper()
	s, err := codec.SchemaOf(c)
	if err != nil {
		t.Fatalf("cachetest: %v", err)
	}
	is := description{c.Shape().String(), s}
	if updates() {
		err := os.MkdirAll(filepath.Dir(file), 0o777)
		if err == nil {
			err = os.WriteFile(file, []byte(is.String()), 0o666)
		}
		if err != nil {
			t.Fatalf("cachetest: the schema cannot be written: %v", err)
		}
		return
	}
	update := fmt.Sprintf("go test -run '^%s$' -update", strings.ReplaceAll(t.Name(), "/", "$/^"))
	if problem := check(is, file, update); problem != "" {
		t.Fatalf("cachetest: %s", problem)
	}
}

// check returns what differs from the description in the file, empty for nothing. update is the
// command that writes the file.
func check(is description, file, update string) string {
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return fmt.Sprintf("there is no %s; write it with\n\t%s\nand commit it", file, update)
	}
	if err != nil {
		return err.Error()
	}
	stored := strings.ReplaceAll(string(text), "\r\n", "\n")
	if stored == is.String() {
		return ""
	}
	was, err := parseDescription(stored)
	if err != nil {
		return fmt.Sprintf("%s cannot be read: %v; write it anew with\n\t%s", file, err, update)
	}
	return fmt.Sprintf("what is stored is not what %s says:\n%sOnce that is settled, write the file anew with\n\t%s", file, report(compare(was, is)), update)
}
