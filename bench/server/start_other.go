//go:build !linux

package server

import (
	"errors"
	"os/exec"
)

// start starts cmd. It outlives a process that is killed: only Linux can end it
// then.
func start(cmd *exec.Cmd) error { return cmd.Start() }

// Freeze is for Linux.
func (p *Process) Freeze() error { return errors.New("server: only Linux can freeze a server") }
