// Package cache is a typed cache-aside cache on Redis or Valkey: a family of keys
// is named once, and values are found in Redis or obtained from their source and
// kept there.
//
//	users, err := cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: 10 * time.Minute})
//	u, err := users.GetOrSet(ctx, 42, db.User) // db.User: func(context.Context, int64) (User, error)
//
// Concurrent callers of one key share one load, in all processes that use the same
// Redis. A write beats an older load: once Set or Delete has returned, nothing that
// was loaded before comes back. Every
// caller leaves at its own deadline. "Does not exist" and the empty value are
// remembered like any other. When Redis fails, a call waits for it no longer than
// Config.RedisTimeout. docs/guarantees.md says exactly what holds.
//
// With Config.StaleFor an entry that is beyond its TTL is still the answer, while one process loads
// it anew in the background, and while the source is down.
//
// GetMany, SetMany, GetOrSetMany and Delete take many keys, each under all of these
// promises, in as many round trips as one key takes. All goes through the results in
// the order of the keys.
//
// Reading gives three things: the value, whether there is one, and whether that
// could be found out at all. That the source has no value is loader.ErrNotFound;
// an error of a loader comes back as it was; what went wrong in the cache itself
// is an *Error, of one of the kinds ErrRedis, ErrEncode, ErrDecode, ErrPanic and
// ErrClosed. No error and no event holds a value.
//
// The documents, in the repository, begin at docs/README.md: recipes in docs/cookbook.md, coming
// from other libraries in docs/migration.md, codecs and elements in docs/values.md, what holds in
// docs/guarantees.md, deploys in docs/deploys.md, failures of Redis in docs/faults.md, settings in
// docs/tuning.md, rights and readiness in docs/operations.md, metrics, traces and logs in
// docs/metrics.md, the console in docs/console.md, audits in docs/audit.md, what stands in Redis in
// docs/format.md, and the code itself in docs/architecture.md and docs/decisions.md.
package cache
