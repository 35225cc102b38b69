package service

import (
	"testing"

	"github.com/asidecache/aside/cache/cachetest"
)

// A change of what stands in Redis is seen here, before a deploy: go test -run Stored -update
// writes what is stored from then on.
func TestStored(t *testing.T) {
	cachetest.Schema(t, userCodec, "testdata/user.schema")
	cachetest.Schema(t, ordersCodec, "testdata/orders.schema")
	cachetest.Schema(t, leadersCodec, "testdata/leaders.schema")
}
