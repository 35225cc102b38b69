package client

import (
	"runtime"
	"testing"
)

// A hook of the client may end its goroutine: what it has kept from being done must not
// look as if it was.
func TestForEachThatExits(t *testing.T) {
	returned, done := false, make(chan struct{})
	go func() {
		defer close(done)
		ForEach(3, func(int) { runtime.Goexit() })
		returned = true
	}()
	<-done
	if returned {
		t.Error("forEach returned as if all had been done")
	}
}
