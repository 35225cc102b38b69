package relay

import (
	"errors"
	"runtime"
	"testing"
)

// What a function does to its goroutine is told to the one that waits, and done to that.
func TestCatch(t *testing.T) {
	boom := errors.New("boom")
	for name, tt := range map[string]struct {
		do    func()
		panic any // nil: none
		ends  bool
	}{
		"returns": {do: func() {}},
		"panics":  {do: func() { panic(boom) }, panic: boom},
		"exits":   {do: runtime.Goexit, ends: true},
	} {
		crashes, goesOn := make(chan *Crash, 1), false
		done := make(chan struct{})
		go func() {
			defer close(done)
			Catch(tt.do, func(c *Crash) { crashes <- c })
			goesOn = true
		}()
		<-done
		crash := <-crashes
		if (crash != nil) != (tt.panic != nil || tt.ends) || crash.IsPanic() != (tt.panic != nil) {
			t.Errorf("%s: crash %+v", name, crash)
		}
		if goesOn == tt.ends {
			t.Errorf("%s: the goroutine goes on: %v", name, goesOn)
		}
		if crash == nil {
			continue
		}
		returned, repeated := false, make(chan any)
		go func() {
			defer func() { repeated <- recover() }()
			crash.Repeat()
			returned = true
		}()
		if got := <-repeated; returned || got != tt.panic {
			t.Errorf("%s: repeated it panics with %v, want %v; returned %v", name, got, tt.panic, returned)
		}
	}
}
