// Package keyspace is what a cache and a collection of the same keys have in common:
// how the keys are named, how their TTLs are shortened, and how their settings are checked.
package keyspace
