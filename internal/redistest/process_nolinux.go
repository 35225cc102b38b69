//go:build !linux

package redistest

import "os/exec"

// startProcess starts cmd. It outlives a test process that is killed: only Linux
// can end it then.
func startProcess(cmd *exec.Cmd) error { return cmd.Start() }
