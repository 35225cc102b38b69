// Package relay carries a panic, or runtime.Goexit, from the goroutine of a function that does
// not return to the goroutine that waits for it.
package relay

import "runtime"

// A Crash is the end of a function that did not return.
type Crash struct {
	value any // what was panicked with; nil for runtime.Goexit
}

// Catch calls fn and then ended, with nil if fn has returned. A panic ends here; after
// runtime.Goexit this goroutine ends when ended has returned.
func Catch(fn func(), ended func(*Crash)) {
	returned := false
	defer func() {
		if returned {
			ended(nil)
		} else {
			ended(&Crash{recover()})
		}
	}()
	fn()
	returned = true
}

// IsPanic reports whether the function has panicked.
func (c *Crash) IsPanic() bool { return c != nil && c.value != nil }

// Repeat does to this goroutine what the function did to its own.
func (c *Crash) Repeat() {
	if c.value == nil {
		runtime.Goexit()
	}
	panic(c.value)
}
