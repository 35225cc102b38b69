package client

import (
	"runtime"
	"testing"

	"github.com/redis/go-redis/v9"
)

// A client has one of what the table keeps, another client another one, and what nobody refers to
// any more is forgotten.
func TestTable(t *testing.T) {
	var all Table[[100]byte]
	one, other := redis.NewClient(&redis.Options{}), redis.NewClient(&redis.Options{})
	defer one.Close()
	defer other.Close()
	func() {
		kept := all.Of(one)
		if all.Of(one) != kept {
			t.Error("a client has two")
		}
		if all.Of(other) == kept {
			t.Error("two clients have one")
		}
		runtime.GC()
		if all.Of(one) != kept {
			t.Error("it was forgotten while it was in use")
		}
		runtime.KeepAlive(kept)
	}()
	known := func() int {
		all.mu.Lock()
		defer all.mu.Unlock()
		return len(all.of)
	}
	for known() > 0 { // a cleanup runs some time after the collection
		runtime.GC()
	}
	var none incomparable
	if first := all.Of(none); first == all.Of(none) || known() != 0 {
		t.Error("a client that cannot be compared is known")
	}
}

// incomparable is a client that is no key of a map.
type incomparable struct {
	redis.UniversalClient
	_ []int
}
