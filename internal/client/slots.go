package client

import (
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
)

// A SlotsError says that the keys of one command or transaction lie in several slots
// of a cluster.
type SlotsError struct {
	Keys  []string
	Slots []uint16 // of the keys
}

// shownKeys is how many keys an error shows.
const shownKeys = 4

func (e *SlotsError) Error() string {
	var b strings.Builder
	b.WriteString("the keys lie in different slots of the cluster:")
	for i, key := range e.Keys[:min(len(e.Keys), shownKeys)] {
		fmt.Fprintf(&b, " %.64q in %d,", key, e.Slots[i])
	}
	if more := len(e.Keys) - shownKeys; more > 0 {
		fmt.Fprintf(&b, " and %d more,", more)
	}
	b.WriteString(" which only a common hash tag such as {acme} prevents")
	return b.String()
}

// OneSlot returns a *SlotsError if Redis cannot serve these keys in one step.
func (c *Client) OneSlot(keys []string) error {
	if _, cluster := c.rdb.(*redis.ClusterClient); !cluster {
		return nil
	}
	e := &SlotsError{Keys: keys}
	apart := false
	for _, key := range keys {
		e.Slots = append(e.Slots, rediskey.Slot(key))
		apart = apart || e.Slots[0] != e.Slots[len(e.Slots)-1]
	}
	if !apart {
		return nil
	}
	return e
}
