//go:build !linux

package bench

import (
	"os/exec"
	"syscall"
)

// bind makes a process one of its own group, so that Ctrl-C is for the run alone, which ends the process.
func bind(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
