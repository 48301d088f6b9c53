package child

import (
	"os/exec"
	"syscall"
)

// Bind makes a process one of its own group, so that Ctrl-C is for the run alone, and has the kernel end it should the run be killed.
func Bind(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
