package hotkeys

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/client"
)

// sketches has the sketch of each client.
var sketches client.Table[Sketch]

// Of returns the sketch of a client. One that cannot be compared has one for each call.
func Of(rdb redis.UniversalClient) *Sketch { return sketches.Of(rdb) }

// Has reports whether a Redis key is one of those that are kept by name.
func (s *Sketch) Has(text string, now int64) bool {
	hash := maphash.String(seed, text)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.age(now)
	return s.kept[hash] != nil
}

// Keys returns the keys of an owner that are kept by name, most looked up first.
func (s *Sketch) Keys(o Owner, now int64) []Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.age(now)
	var keys []Key
	for _, e := range s.least {
		if e.owner == o {
			keys = append(keys, s.describe(e))
		}
	}
	slices.SortFunc(keys, func(a, b Key) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Text, b.Text))
	})
	return keys
}

// Sum returns how many keys of an owner are kept by name, and the share of the first of them.
func (s *Sketch) Sum(o Owner, now int64) (keys int, share float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.age(now)
	var most uint32
	for _, e := range s.least {
		if e.owner == o {
			keys, most = keys+1, max(most, e.count)
		}
	}
	if keys > 0 {
		share, _ = s.rates(most)
	}
	return keys, share
}
