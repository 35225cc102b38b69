// Package flight shares one execution of a function among all concurrent
// callers of a key, each with a context of its own.
//
// What it adds to the usual single flight:
//
//   - A caller leaves at its own deadline or cancellation, at once. The function
//     runs on a goroutine of the group, under the first caller's context values
//     but not its cancellation, and is cancelled when no caller waits any more.
//   - The seal: a result is for the callers that joined before the function
//     announced the command that proves the result valid, or before what makes the
//     result began. A caller that joins later waits for the end and is turned away,
//     to look again.
//   - The fence: a write of the key turns every flight under way into one whose
//     result may not be stored, and waits for a store that was already sent. So a
//     write that has returned cannot be followed by the fill of an older load.
//   - A panic goes to the caller whose function it was, and to no other.
//
// A Group has one mutex, held for a few instructions at a time and never while
// foreign code runs: not a caller's function, nor a method of its context.
package flight
