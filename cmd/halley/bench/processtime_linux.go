package bench

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// processTime is the processor time that all threads of a process have used, in ns: clock_getcpuclockid(3). What /proc tells comes in steps
// of 10 ms, of which a small run has a handful.
func processTime(pid int) (time.Duration, error) {
	const (
		wholeProcess = 2       // CPUCLOCK_SCHED: the scheduler's account, of the process and not of a thread
		greatest     = 1 << 22 // PID_MAX_LIMIT; a greater number would name another clock, and 0 this process
	)
	if pid < 1 || pid > greatest {
		return 0, fmt.Errorf("there is no process %d", pid)
	}
	var spent syscall.Timespec
	clock := uintptr(int32(^pid)<<3 | wholeProcess)
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&spent)), 0); errno != 0 {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, errno)
	}
	return time.Duration(spent.Nano()), nil
}
