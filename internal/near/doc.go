// Package near keeps entries in process memory, for as long as nobody writes them. It knows the
// keys of Go and of Redis by their hashes, and values not at all, so that it is compiled once for
// caches of all types.
//
// An entry may be installed that was read from Redis after its [Ticket] was issued, and only if
// nothing was heard of its key since. So what a read has found before a write, and that arrives
// after the write was heard of, is refused; and what is heard of later removes the entry.
package near
