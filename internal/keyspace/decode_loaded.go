package keyspace

import "sync"

// decodeLoaded has the clients for which SetDecodeLoaded was called.
var decodeLoaded sync.Map

// SetDecodeLoaded makes the caches that are made on the client from now on return, to the
// caller whose loader ran as to all others, what the codec decodes, and not the loader's own
// value. It is for package cachetest.
func SetDecodeLoaded(client any) { decodeLoaded.Store(client, nil) }

// ClearDecodeLoaded undoes that for caches that are made later, and lets go of the client.
func ClearDecodeLoaded(client any) { decodeLoaded.Delete(client) }

// DecodesLoaded reports whether SetDecodeLoaded was called for the client.
func DecodesLoaded(client any) bool {
	_, ok := decodeLoaded.Load(client)
	return ok
}
