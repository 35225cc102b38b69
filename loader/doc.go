// Package loader says how a value is obtained when the cache does not have it.
//
// A loader is a plain function, [Func] for one key or [BatchFunc] for many, so a
// method of a repository is one as it stands:
//
//	func (db *DB) User(ctx context.Context, id int64) (User, error)
//
// What a source needs beyond that is added once, where the program is set up, by functions
// from loader to loader:
//
//	user := loader.NotFoundIf(db.User, isNoRows) // sql.ErrNoRows means "does not exist"
//	user = loader.Timeout(user, time.Second)     // a try takes a second at most
//	user = loader.Limit(user, 16)                // 16 tries at once spare the database
//	user = loader.Retry(user, 3, loader.Exponential(20*time.Millisecond, time.Second))
//
// They apply from the inside out, and the order matters: here each try has a
// second, the wait for one of the 16 running tries to end is outside of it, and a pause
// between two tries is not counted. A Limit counts the callers of the one loader it
// returned: made anew for each request, it limits nothing.
//
// Which order to use:
//
//   - Retry(Timeout(source)): each try has its time. Timeout(Retry(source)) bounds all tries and
//     pauses together; a first try that hangs then takes the time of the others.
//   - Retry(Limit(source)): a pause takes no place, so that others load meanwhile.
//     Limit(Retry(source)) keeps the place in the pauses, and so does the MaxLoads of a cache,
//     which counts whole loads: fewer at once, but the others wait when the source fails.
//   - Retry(Limit(Timeout(source))): the wait for a place is not counted as time of the source.
//     Limit inside Timeout counts it.
//   - Fallback(Retry(Timeout(source)), other): the other source is asked when all tries have
//     failed. Retry(Fallback(source, other)) asks both in each try. Timeout(Fallback(source,
//     other)) leaves the other no time where the source hangs: give each its own.
//
// In each order, ErrNotFound and a panic end the load at once, and so does the end of the
// caller's context, but for a source that ignores it. All of it has to fit into the
// LoadTimeout of a cache.
//
// A source that answers for many keys at once can serve single loads too: [Coalesce]
// merges those that begin close together. [Each] is the opposite.
//
// These rules hold for everything in this package:
//
//   - [ErrNotFound] is an answer, not a failure. It is not tried again, no
//     fallback is asked, and it is not turned into something else.
//   - A loader's error is returned as it was, or wrapped so that errors.Is and
//     errors.As find it.
//   - A panic and a runtime.Goexit of a loader reach the goroutine of the caller.
//   - No goroutine outlives the call that started it. The price is that a loader
//     that ignores its context is waited for. A batch of Coalesce belongs to all
//     its callers, so there each of them may leave, and the batch ends by itself.
//   - An argument that makes no sense (nil, or zero where one is the least) panics
//     where the loader is built, never where it is called.
//   - What is returned is safe for concurrent use if the loader inside is.
package loader
