// Package protocol runs what internal/model proves: it decides, for each key, whether to
// answer from Redis, to load, or to wait for another process's load, and it stores what a
// load has found unless a write came after the load began. It deals in Redis keys and
// bytes, without type parameters; package cache is its typed face.
//
// One key is a batch of one. A [Run] is one call of a method; a [Job] is one of its keys.
//
//	Load      joins the flights of the keys, and is told what has become of each
//	 └ run    is what a flight does for the jobs that lead one
//	    ├ acquire   asks for the leases, and reads what makes them needless
//	    ├ wait      asks Redis again and again while others load
//	    ├ load      runs the loader, within LoadTimeout and MaxLoads
//	    └ commit    stores the results under the leases, and finishes the flights
//
// A job goes through these states; what stands in parentheses is Redis's answer.
//
//	    ┌───────────────── retry ─────────────────┐
//	    ▼                                         │
//	acquire ──(granted)──▶ load ──▶ commit ──(refused, of a refresh)
//	 │  │ ▲                            │
//	 │  │ └──(lease over)── wait       ├──(stored)───▶ finished, for all
//	 │  └──(busy)───────────▲          └──(refused)──▶ finished, for those alone
//	 │                                                 that came before the load
//	 ├──(value, empty, absent)─────────────────────▶ finished, for those that
//	 │                                                 came before the question
//	 └──(Redis fails, or is full)──▶ load, degraded: nothing is stored
//
// What makes it safe: the flight is sealed before each question whose answer may finish it,
// so that no caller gets an answer to a question that was asked before it came; each
// acquisition has a token of its own, and Redis stores nothing under a lease that a write
// has removed; a write of this process fences the flights of its keys and waits for stores
// that were announced.
package protocol
