// Package asideslog logs what goes wrong in caches, and what becomes of it.
//
//	caches := new(cache.Registry)
//	caches.Defaults.Observer = asideslog.Observer(slog.Default())
//
// Each kind of record of each cache is logged once in a while at most; the next one says how many
// were left out. Records have the attributes cache, and where there is one op, key, duration and
// err. They have no value, but for what a loader's own error says.
package asideslog
