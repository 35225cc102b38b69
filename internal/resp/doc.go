// Package resp reads answers of Redis, in RESP2 and RESP3, without trusting them: no answer
// costs more memory than a small multiple of the bytes that have arrived, whatever lengths it
// claims, and none is nested deeper than Redis's own.
//
// A [Reply] takes an answer from go-redis as it comes, and is then parsed without a copy.
package resp
