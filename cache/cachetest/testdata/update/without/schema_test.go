// Package without has no flag of its own.
package without

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
)

// A user is what the cache of this program keeps.
type user struct{ ID int }

func TestSchema(t *testing.T) {
	cachetest.Schema(t, codec.Msgpack[user](), filepath.Join(os.Getenv("SCHEMAS"), "without", "user.schema"))
}
