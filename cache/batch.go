package cache

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/asidecache/aside/loader"
)

// All returns the keys that have a value, each once, with the values, in the order of keys:
// for the results of GetMany and GetOrSetMany.
func All[K comparable, V any](keys []K, values map[K]V) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		seen := make(map[K]struct{}, len(keys))
		for _, key := range keys {
			if _, again := seen[key]; again {
				continue
			}
			seen[key] = struct{}{}
			if v, ok := values[key]; ok && !yield(key, v) {
				return
			}
		}
	}
}

// A batch is one call of a method for many keys: what has become of them so far.
type batch[K comparable, V any] struct {
	op     Op
	size   int // how many keys were given
	keys   int // how many different ones there are
	values map[K]V
	errs   map[K]error
	due    *loads[K, V] // what is to be refreshed in the background
}

func newBatch[K comparable, V any](op Op, size int) *batch[K, V] {
	return &batch[K, V]{op: op, size: size, values: make(map[K]V, size), errs: make(map[K]error)}
}

// result returns all that was recorded in b.
func (c *Cache[K, V]) result(b *batch[K, V]) (map[K]V, error) {
	if len(b.errs) > 0 {
		return b.values, &BatchError[K]{Errs: b.errs, Call: fmt.Sprintf("aside: %s %s", b.op, c.core.name), Keys: b.keys}
	}
	return b.values, nil
}

// beginMany starts a request for each key, once, unless known has its answer: nil for no key. Keys
// that have no text are recorded in b.
func (c *Cache[K, V]) beginMany(b *batch[K, V], keys []K, known func(K) bool) ([]*request[K, V], error) {
	if c.core.closed.Load() {
		return nil, c.core.error(b.op, "", ErrClosed, nil)
	}
	requests := make([]*request[K, V], 0, len(keys))
	seen, _ := c.seen.Get().(map[K]struct{})
	if seen == nil {
		seen = make(map[K]struct{}, len(keys))
	}
	began := time.Now()
	for _, key := range keys {
		if _, again := seen[key]; again {
			continue
		}
		seen[key] = struct{}{}
		if known != nil && known(key) {
			continue
		}
		r, err := c.beginAt(began, b.op, key)
		if err != nil {
			b.errs[key] = err
			continue
		}
		requests = append(requests, r)
	}
	if b.keys = len(seen); b.keys <= maxKeptSeen {
		clear(seen)
		c.seen.Put(seen)
	}
	return requests, nil
}

// maxKeptSeen is for how many keys a set of those that were seen is kept for the next batch.
const maxKeptSeen = 1024

// redisKeys returns the Redis keys of requests.
func redisKeys[K comparable, V any](requests []*request[K, V]) []string {
	keys := make([]string, len(requests))
	for i, r := range requests {
		keys[i] = r.redisKey
	}
	return keys
}

var errUnnamed = errors.New("the loader's *BatchError names the key, but no error")

// keyError returns what the error of a batch load says of one key, nil for nothing.
func keyError[K comparable](err error, key K) error {
	some, ok := err.(*loader.BatchError[K])
	if !ok {
		return err
	}
	failure, named := some.Errs[key]
	if named && failure == nil {
		return errUnnamed // not nothing: that would be remembered as "does not exist"
	}
	return failure
}

// isAbsence reports whether an error of a batch load says that what it is about does not
// exist. One that wraps a *BatchError speaks of several keys, nobody knows of which.
func isAbsence[K comparable](err error) bool {
	some := (*loader.BatchError[K])(nil)
	return errors.Is(err, ErrNotFound) && !errors.As(err, &some)
}
