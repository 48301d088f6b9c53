package netpoll

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of send and receive never wait, and Go's scheduler is not told of them. Told, it would have somebody look every 20 us
// whether they take long, who costs a tenth of a fan-out, and would lend the processor to others in the middle of it. They are send(2) and
// recv(2), and not write(2) and read(2), which look after many things that only files have.

// send writes what the kernel takes of p at once.
func send(fd int, p []byte) (n int, err error) {
	return transfer(unix.SYS_SENDTO, fd, p, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// receive reads what is there. 0: nothing will come any more.
func receive(fd int, p []byte) (n int, err error) {
	return transfer(unix.SYS_RECVFROM, fd, p, unix.MSG_DONTWAIT)
}

func transfer(call uintptr, fd int, p []byte, flags uintptr) (n int, err error) {
	count, _, errno := unix.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(count), nil
}
