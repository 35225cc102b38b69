// Package codec turns values into what one Redis key holds, and back. It does no
// I/O.
//
// A Value makes one byte string of one V. A Codec fills a whole key, whose Redis
// type is its Shape. What Text, Bytes, JSON, Msgpack and Binary return is both,
// and the wrappers are built from what they return:
//
//	codec.Text[time.Duration]()                                 // 1m30s
//	codec.Compress(codec.Msgpack[User](), codec.Zstd, 1024)     // from 1024 bytes on
//	codec.Encrypt(codec.Compress(codec.JSON[User](), codec.S2, 0), ring)
//
// List, Set and SortedSet make a Value the codec of the elements of a slice or a
// map, which then is a Redis list, set or sorted set:
//
//	codec.List(codec.Text[int64]())            // []int64, as RPUSH k 42 7
//	codec.Set(codec.Text[string]())            // map[string]struct{}, as SADD k red blue
//	codec.SortedSet(codec.Msgpack[Player]())   // []codec.Scored[Player], as ZADD
//
// The key holds exactly what the codec wrote: no header and no mark of the cache.
// Text, Bytes, JSON and Msgpack are plain to any program; the bytes of Compress
// and Encrypt are laid out in their doc comments.
//
// Redis is not trusted. Bytes that no codec wrote are an error: they cause no panic, and
// do not cost the memory that they only claim to need. No error holds a value, or bytes of
// one, so that errors can be logged; of an error of a type's own methods only the type is
// shown.
//
// For a codec that is built wrongly, for example for a type that it cannot encode, its Check
// returns an error, and so does cache.New. Package codectest tests a codec of your own.
package codec
