// Command aside looks at what the caches of package cache keep in Redis: it explains a key,
// follows writes, lists, counts and deletes. aside -h has its commands.
package main
