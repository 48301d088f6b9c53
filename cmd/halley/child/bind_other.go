//go:build !linux

package child

import (
	"os/exec"
	"syscall"
)

// Bind makes a process one of its own group, so that Ctrl-C is for the run alone, which ends the process.
func Bind(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
