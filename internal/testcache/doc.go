// Package testcache opens caches for this module's own tests, and checks what their
// calls return. What an application's tests need is in cachetest.
package testcache
