package server

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// start starts cmd such that it dies with this process, even if that is killed.
func start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	lasting() <- func() { started <- cmd.Start() }
	return <-started
}

// lasting returns where functions are run by a thread that lives as long as the
// process: the signal is sent when the thread that started the child ends
// (golang/go#27505).
var lasting = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// Freeze stops the server without ending it: its connections stay open and
// nothing answers.
func (p *Process) Freeze() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }
