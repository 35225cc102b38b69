package redistest

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// StartProcess starts cmd such that it dies with this process, even if that is
// killed.
func StartProcess(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	done := make(chan error)
	starter() <- func() { done <- cmd.Start() }
	return <-done
}

// starter returns where functions are run by a thread that ends with the process
// and not before: the signal is sent when the thread that started the child ends
// (golang/go#27505).
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})
