package fleet

import (
	"fmt"
	"syscall"
	"unsafe"
)

// CLOCK_MONOTONIC is one clock for all processes of a machine, while the monotonic
// readings of time.Time count from the start of each. So it is asked itself. Every
// worker reports its reading when it starts, and the fleet refuses one that does not
// lie between two of its own.
const clockMonotonic = 1

func now() instant {
	var t syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&t)), 0)
	if errno != 0 {
		panic(fmt.Sprintf("fleet: clock_gettime: %v", errno))
	}
	return instant(t.Nano())
}
