// Package resp reads answers of Redis, in RESP2 and RESP3, without trusting them: no answer
// costs more memory than a small multiple of the bytes that have arrived, whatever lengths it
// claims, and none is nested deeper than Redis's own.
//
// A [Reply] collects the bytes of one answer and is then parsed without a copy. What go-redis
// has decoded itself comes to the same results by the functions named for it.
package resp
