// Package console shows in a browser what the caches of a service do, and explains why a key is as
// it is.
//
//	caches := new(cache.Registry)
//	http.Handle("/debug/aside/", requireAdmin(console.Handler(caches)))
//
// The page shows each cache with its counts, rates and latencies as live charts, its breaker and
// near cache, its hot keys, the loads that run now and its last failures. Of a key it says what
// Redis has, what the control key means, which versions stand beside it, and what this process has
// done with it: why its last load was not stored, for example. It needs nothing from other hosts.
//
// # Access
//
// Keys, and the errors of loaders, may hold what not everybody may see: put the handler behind
// authentication, on every way to it. It shows no values without [ShowValues] and changes nothing
// without [AllowInvalidate]. Browsers are told to run no scripts but its own and to send nothing
// elsewhere, and other sites cannot have a browser invalidate keys.
//
// # Paths
//
// The handler may be mounted anywhere, at a path that ends with a slash, with or without
// http.StripPrefix. Programs get JSON under the same paths as browsers get the page, if they ask
// for it:
//
//	curl -H 'Accept: application/json' http://localhost:8080/debug/aside/
//
//	GET  ./                            all caches
//	GET  ./cache?cache=user            one cache
//	GET  ./key?cache=user&key=user:42  why a key is as it is
//	POST ./invalidate                  Cache.Delete of a key: the form values cache and key
//
// A cache is named by its Name, "@" and its Version if it has one, and "#2" where several share
// both. A key that is not UTF-8 is given in base64, as key64.
//
// # Cost
//
// The handler observes the caches of its registry from the start: loads, writes and failures, of
// which it keeps the last few of each cache. Hits cost nothing until somebody looks: their
// latencies are measured while the page is open, and for half a minute after.
package console
