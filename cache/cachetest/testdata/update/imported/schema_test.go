// Package imported imports a package that defines a flag -update.
package imported

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"

	"github.com/asidecache/aside/cache/cachetest/testdata/update/golden"
)

// A user is what the cache of this program keeps.
type user struct{ ID int }

func TestSchema(t *testing.T) {
	cachetest.Schema(t, codec.Msgpack[user](), filepath.Join(os.Getenv("SCHEMAS"), "imported", "user.schema"))
}

func TestGolden(t *testing.T) {
	if want := os.Getenv("UPDATE") != ""; *golden.Update != want {
		t.Error("the flag of the imported package is not set as it was given")
	}
	for _, arg := range os.Args[1:] {
		if arg == "-aside.cachetest.define-update" {
			t.Error("there is an argument that was not given")
		}
	}
}
