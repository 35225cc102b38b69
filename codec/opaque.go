package codec

import (
	"errors"
	"fmt"
)

// A panicError is a panic of user code, known by the type of what it panicked
// with.
type panicError struct{ of string }

func (e *panicError) Error() string { return "panic with a " + e.of }

// contain, deferred, turns a panic into a *panicError.
func contain(err *error) {
	if r := recover(); r != nil {
		*err = &panicError{fmt.Sprintf("%T", r)}
	}
}

// opaque is the error of a piece of user code, named by what, that failed with
// err. It shows the type of err only and does not wrap it: the text may quote
// the value.
func opaque(what string, err error) error {
	verb, of := "failed", fmt.Sprintf("%T", err)
	if p, ok := errors.AsType[*panicError](err); ok {
		verb, of = "panicked", p.of
	}
	return fmt.Errorf("codec: %s %s with a %s, which is not shown because it may hold the value", what, verb, of)
}
