// Package asideotel exports what the caches of a service do to OpenTelemetry: metrics, and a span
// for each run of a loader.
//
//	caches := new(cache.Registry)
//	err := asideotel.Instrument(caches) // before the caches are made
//	users, err := cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour, Registry: caches})
//
// # Spans
//
// The span of a load is a child of the span of the call that has started it, and is in the context
// of the loader, so that the loader's queries are its children. The spans of calls that have waited
// for a load of another call of the process get a link to it: when they end their wait, as the load
// may have begun after them. A refresh in the background outlives the call that starts it: its span
// is the root of a trace of its own, with a link to that call's span. A hit has no span.
//
// Failures that the cache has survived are events of the call's span.
//
// # Metrics
//
// Each metric has the attribute aside.cache, the Name of the cache; caches of one Name are added
// up. Lookups that Redis was asked for are db.client.operation.duration as well, by the stable
// conventions for clients of databases. No metric has a key, and no span but with WithKeys. Nothing
// has a value, but for what a loader's own error says.
//
// OpenTelemetry's instrumentation of go-redis works beside this: it tells of commands, this of
// caches.
package asideotel
