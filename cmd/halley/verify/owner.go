package verify

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// owner is the node whose process holds the far end of a connection, -1 if none does: the kernel's table of sockets gives the socket's
// number, and a process's folder the sockets that it holds (proc(5)).
func (l *loopback) owner(remote, local netip.AddrPort) int {
	inode := socketNumber(remote, local)
	if inode == "" {
		return -1
	}
	for i := range l.pids {
		if pid := l.pids[i].Load(); pid != 0 && holdsSocket(int(pid), inode) {
			return i
		}
	}
	return -1
}

// gossiper is the node that gossips on a port, -1 if none does.
func (l *loopback) gossiper(port int) int {
	for i := range l.relays {
		if r := l.relays[i].Load(); r != nil && r.behind == port {
			return i
		}
	}
	return -1
}

// socketNumber is the inode of the socket at from that is connected to to, empty if there is none.
func socketNumber(from, to netip.AddrPort) string {
	table, err := os.Open("/proc/net/tcp")
	if err != nil {
		return ""
	}
	defer table.Close()
	wanted := kernelAddress(from) + " " + kernelAddress(to)
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && fields[1]+" "+fields[2] == wanted {
			return fields[9]
		}
	}
	return ""
}

// kernelAddress writes an IPv4 address as the kernel's table does: the address as a number in the machine's byte order, in hex.
func kernelAddress(a netip.AddrPort) string {
	bytes := a.Addr().Unmap().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(bytes[:]), a.Port())
}

// holdsSocket reports whether a process has the socket open.
func holdsSocket(pid int, inode string) bool {
	folder := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join(folder, entry.Name())); err == nil && target == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}
