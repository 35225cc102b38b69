//go:build !unix

package harness

import (
	"errors"
	"time"
)

// ProcessCPU is for Unix.
func ProcessCPU() (time.Duration, error) {
	return 0, errors.New("harness: only Unix tells what a process has used of the processor")
}
