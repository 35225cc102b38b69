// Package registry knows which caches and collections of this process are open, by
// client, Name and Version, and refuses one that would read the keys of another as
// something else.
package registry
