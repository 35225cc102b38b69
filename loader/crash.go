package loader

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// A crash is how a loader ended that did not return. The zero crash is that of
// one that did.
type crash struct {
	panicked error // the first panic, nil if there was none
	exited   bool  // runtime.Goexit was called
}

// record records what recover returned, on the goroutine that crashes: nil means that
// it exits.
func (c *crash) record(value any) {
	switch {
	case value == nil:
		c.exited = true
	case c.panicked == nil:
		c.panicked = &panicError{value, debug.Stack()}
	}
}

// repeat does to this goroutine what has happened to the loader's.
func (c *crash) repeat() {
	if c.panicked != nil {
		panic(c.panicked)
	}
	if c.exited {
		runtime.Goexit()
	}
}

// A panicError carries a panic from one goroutine to another without the loss of
// its stack.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("%v\n\n%s", e.value, e.stack) }

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}
