package keyspace

import "sync"

// decoded has the clients whose caches hand out decoded values, see GiveDecoded.
var decoded sync.Map

// GiveDecoded has the caches that are made on the client from now on give the caller that
// led a load what the codec reads back, as all others get, and not the loader's own value.
// Package cachetest asks for it.
func GiveDecoded(client any) { decoded.Store(client, nil) }

// ForgetDecoded ends that for caches that are yet to be made, so that the client can go.
func ForgetDecoded(client any) { decoded.Delete(client) }

// GivesDecoded reports whether GiveDecoded was called for the client.
func GivesDecoded(client any) bool {
	_, ok := decoded.Load(client)
	return ok
}
