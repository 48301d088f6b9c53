package bench

import "syscall"

// ipBindAddressNoPort is IP_BIND_ADDRESS_NO_PORT of ip(7), which package syscall does not name.
const ipBindAddressNoPort = 24

// bindLate has a socket whose source address is given choose its port only when it connects. A port that is chosen before is taken from
// all other addresses too, until a minute after the connection's end: a few runs would use up all that there are.
func bindLate(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
	})
	if err != nil {
		return err
	}
	return failed
}
