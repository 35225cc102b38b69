// Package explain says why a Redis key is as it is: what value there is, what its control key
// says, and which versions stand beside it. It only reads, a bounded number of bytes, and holds
// values only if it is asked for them. The names of keys, and of the fields of hashes, are no
// values.
package explain
