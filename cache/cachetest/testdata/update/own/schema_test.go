// Package own has a flag -update of its own, and parses flags itself.
package own

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
)

var update = flag.Bool("update", false, "write golden files")

func TestMain(m *testing.M) {
	flag.Parse()
	if want := os.Getenv("UPDATE") != ""; *update != want {
		panic("the flag of this package is not set as it was given")
	}
	os.Exit(m.Run())
}

// A user is what the cache of this program keeps.
type user struct{ ID int }

func TestSchema(t *testing.T) {
	cachetest.Schema(t, codec.Msgpack[user](), filepath.Join(os.Getenv("SCHEMAS"), "own", "user.schema"))
}
