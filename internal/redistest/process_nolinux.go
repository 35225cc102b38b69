//go:build !linux

package redistest

import "os/exec"

// StartProcess starts cmd. It outlives a test process that is killed: only Linux
// can end it then.
func StartProcess(cmd *exec.Cmd) error { return cmd.Start() }
