package client

import (
	"reflect"

	"github.com/redis/go-redis/v9"
)

// hooked reports whether a client, of one server or a cluster, has hooks for its commands,
// which a clone of it would lose. go-redis does not tell, so that this looks into the client;
// where that does not look as expected, the answer is yes, which is safe and slower.
func hooked(rdb redis.UniversalClient) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = true
		}
	}()
	// Client.baseClient.hooksMixin.state, of a ClusterClient hooksMixin.state, is an
	// *atomic.Pointer to a struct with the hooks in its field slice.
	client := reflect.ValueOf(rdb).Elem()
	if _, cluster := rdb.(*redis.ClusterClient); !cluster {
		client = client.FieldByName("baseClient").Elem()
	}
	state := client.FieldByName("hooksMixin").FieldByName("state").Elem()
	of := state.Field(0).Type().Elem().Elem() // atomic.Pointer[T] begins with a [0]*T
	p := state.FieldByName("v").UnsafePointer()
	return reflect.NewAt(of, p).Elem().FieldByName("slice").Len() > 0
}
