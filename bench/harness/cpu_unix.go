//go:build unix

package harness

import (
	"syscall"
	"time"
)

// ProcessCPU is the meter of this process: the time of all its threads, in the program and in
// the system. Processes that it has started are not in it.
func ProcessCPU() (time.Duration, error) {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0, err
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano()), nil
}
