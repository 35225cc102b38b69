// Package store is where the project asks Redis for entries. It speaks
// in the cache's own words: read an entry, look closer, put, marker as absent,
// delete.
//
// A value key holds what the codec wrote and nothing else; what the cache itself
// has to remember of a key stands in one small control key beside it, in the same
// cluster slot. docs/format.md describes both.
package store
