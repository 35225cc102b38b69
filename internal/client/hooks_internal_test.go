package client

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

type idleHook struct{}

func (idleHook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (idleHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (idleHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// The fast route depends on this: see hooked.
func TestHooked(t *testing.T) {
	for name, rdb := range map[string]redis.UniversalClient{
		"client":   redis.NewClient(&redis.Options{}),
		"cluster":  redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}}),
		"sentinel": redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{"127.0.0.1:1"}}),
	} {
		defer rdb.Close()
		if hooked(rdb) {
			t.Errorf("a %s without hooks seems to have some", name)
		}
		rdb.(interface{ AddHook(redis.Hook) }).AddHook(idleHook{})
		if !hooked(rdb) {
			t.Errorf("the hooks of a %s are not seen", name)
		}
	}
	for _, rdb := range []redis.UniversalClient{new(redis.Client), new(redis.ClusterClient), new(redis.Ring)} {
		if !hooked(rdb) {
			t.Errorf("a %T of an unknown make does not count as one with hooks", rdb)
		}
	}
}
