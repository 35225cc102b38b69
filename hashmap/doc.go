// Package hashmap stores a struct as a Redis hash, a field in each field:
//
//	type User struct {
//		ID      int64         `redis:"id"`
//		Name    string        `redis:"name"`
//		Seen    time.Time     `redis:"seen,omitempty"`
//		Tags    []string      `redis:"tags,json"`
//		Address Address       `redis:"addr_,inline"` // addr_street, addr_city
//		Session chan struct{} `redis:"-"`
//	}
//
//	var users = hashmap.MustOf[User]() // a codec.Codec[User] for the cache
//
// Tags are those of go-redis. Of checks them and reports all problems at once. The name
// of a field is that of its tag, or else that of Go; "-" leaves it out, and unexported fields
// are left out as by every codec: a struct that has no exported field is refused. The options
// are
//
//	omitempty  a zero value or an empty slice or map is no field
//	inline     the fields of the struct, or pointer to one, are fields of the hash; the
//	           name in the tag is put in front of theirs
//	json       stored by encoding/json, as codec.JSON does
//	msgpack    stored as codec.Msgpack does
//
// Without json and msgpack a field is a text that a person would type: see
// codec.Scalar for the types, which include those with text methods. A
// time.Duration differs: it is an integer of nanoseconds, because go-redis's Scan
// reads nothing else; 1m30s is read as well. So do types with binary methods, see below.
//
// A hash that lacks a field which is always stored is one of another version of the struct: an
// error that is codec.ErrOutdated. MissingFieldsAreZero reads it with zeros.
//
// A pointer is stored as what it points to. A nil pointer is no field, and a
// missing field is a nil pointer; the same holds for the fields of an inlined
// pointer, which is read as nil if none of them is stored.
//
// Embedded structs are inlined, unless their tag names them or they have a text form, as
// time.Time has. A struct whose text methods are those of a type embedded in it, and that has
// other fields, has none, as the methods would lose these. A field hides those of its name
// that are embedded more deeply; other fields of one name are refused.
//
// Tags of other packages are ignored, unless UseTag says otherwise.
//
// go-redis's HGetAll and Scan read what a Mapping writes, but for fields tagged inline,
// json or msgpack, which they do not know. A Mapping reads what HSet of go-redis and of
// redis-py write. HSet of go-redis writes a type that has MarshalBinary with that, such as
// netip.Addr, and a net.IP as its bytes. So a type with both text and binary methods is
// stored as text, and bytes that are no such text are read by UnmarshalBinary; a type with
// binary methods alone is stored as these write it. Bytes that UnmarshalText accepts are
// read by that.
package hashmap
