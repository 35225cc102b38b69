package flight

import (
	"fmt"
	"runtime"
)

// A PanicError is the error of the followers of a flight whose function panicked or called
// runtime.Goexit.
type PanicError struct {
	Value any    // what was panicked with; nil for runtime.Goexit
	Stack string // of the goroutine that panicked
}

func newPanicError(value any) *PanicError {
	buf := make([]byte, 16<<10)
	return &PanicError{value, string(buf[:runtime.Stack(buf, false)])}
}

// repeat does to this goroutine what the function did to its own.
func (e *PanicError) repeat() {
	if e.Value == nil {
		runtime.Goexit()
	}
	panic(e.Value)
}

// Error names what happened; the stack is in Stack.
func (e *PanicError) Error() string {
	if e.Value == nil {
		return "the function called runtime.Goexit"
	}
	return fmt.Sprintf("the function panicked: %v", e.Value)
}

// Unwrap returns the value of the panic if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
