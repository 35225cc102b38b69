// Package collection works on single elements of Redis's own types: lists, sets,
// sorted sets and hashes, with elements of a Go type.
//
//	tags, err := collection.NewList(rdb, collection.Config[int64, string]{Name: "tags", TTL: time.Hour})
//	n, err := tags.PushBack(ctx, 42, "a", "b") // RPUSH tags:42 a b
//
// A collection is a family of Redis keys like that of a cache.Cache, and each method
// takes the family's key. A collection and a cache of one Name, Version and key type
// use the same Redis keys: the cache fills and reads values as a whole, by codec.List,
// codec.Set, codec.SortedSet or a mapping of package hashmap, and the collection
// reads and changes their elements. The elements' codec.Value has to be the same, and a hash's
// struct: of two that are open on one client at one time, the second is refused if they are
// not, see cache.New.
//
// What methods mean is what Redis's commands mean: negative indexes count from the
// end, and a key that is not there is empty, which is no error.
//
// Every write is one step, a script in Redis, together with what goes with it. A value
// that it creates gets the TTL, any other keeps its own, or gets the TTL anew after
// With(Renew()). A load of a cache that began before is not stored over it, and what a
// cache has recorded of the key, that the source has no value or that the value is empty,
// is removed. A write that removes the last element leaves an empty value, in the place of
// the key that Redis then deletes: a cache has a hit and does not load. A write is not
// repeated when its answer is lost: an error leaves open whether it was carried out.
//
// That holds for writes of any size, too. More than 10,000 elements are sent by plain
// commands to a key of their own, from which the script moves them. For a PushBack to a key
// without a value that takes the server no time. Any other write keeps the server busy, so
// that it serves no other client: for about half a second with a million elements of a list,
// and two with those of a set. A caller that can do without the one step splits such a write
// into several. RedisTimeout has to leave time for all of it.
//
// A write to a key of which Redis knows nothing creates a value of the new elements
// alone, and a cache takes that for the whole. Where the cache is filled from a source
// that has more of them, use With(IfCached()): then such a write does nothing, and the
// next load has it all.
//
// Caches without a lease, and near caches, do not see the writes of a collection before
// their loads end or their listener receives them.
//
// An element whose bytes cannot be decoded, because another program has written them for
// example, is an error that names its index. All others are returned with that error, in
// their places, and the broken one as the zero value.
package collection
