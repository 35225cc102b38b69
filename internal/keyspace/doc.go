// Package keyspace is what a cache and a collection of the same keys have in common:
// how the keys are named, how long values live, and how their settings are checked.
package keyspace
