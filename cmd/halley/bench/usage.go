package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what was spent and is held at one moment. What cannot be read here is 0.
type usage struct {
	at         time.Time
	server     time.Duration // processor time of the server's processes
	self       time.Duration // and of this one
	machine    time.Duration // and of all, with what a hypervisor took
	rss, pss   int64         // bytes of the server's processes: resident, and the same with shared pages divided
	goroutines int           // of the server
}

// tick is the unit of times in /proc/stat: 1/100 s on every Linux.
const tick = time.Second / 100

// usage reads all.
func (t *Target) usage() (usage, error) {
	u := usage{at: time.Now(), machine: machineTime(), self: ownTime()}
	for _, pid := range t.PIDs {
		spent, err := processTime(pid)
		if err != nil {
			return usage{}, err
		}
		u.server += spent
		u.rss += processMemory(pid, "status", "VmRSS:")
		u.pss += processMemory(pid, "smaps_rollup", "Pss:")
	}
	if t.Metrics != "" {
		var err error
		if u.goroutines, err = readGoroutines(t.Metrics); err != nil {
			return usage{}, fmt.Errorf("metrics: %w", err)
		}
	}
	return u, nil
}

// processMemory is a figure in kB of a file of a process, in bytes.
func processMemory(pid int, file, name string) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + file)
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "\n"+name)
	var kilobytes int64
	_, _ = fmt.Sscan(rest, &kilobytes) // 0 where it is not there
	return kilobytes << 10
}

// ownTime is the processor time of this process.
func ownTime() time.Duration {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return 0
	}
	return time.Duration(own.Utime.Nano() + own.Stime.Nano())
}

// machineTime is how long all processors were busy: the first line of /proc/stat, proc(5).
func machineTime() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var busy int64
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue // the name, idle, waiting for a disk; guests are in the user's time already
		}
		value, _ := strconv.ParseInt(field, 10, 64) // what is no number is no time
		busy += value
	}
	return time.Duration(busy) * tick
}

// foreign is the share of all processors that others had between two moments, from 0 to 1.
func foreign(before, after usage) float64 {
	others := (after.machine - before.machine) - (after.server - before.server) - (after.self - before.self)
	all := after.at.Sub(before.at) * time.Duration(runtime.NumCPU())
	return max(0, share(float64(others), float64(all)))
}

// share is a part of a whole, 0 of nothing.
func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}

const (
	metricsPatience = 5 * time.Second
	maxMetrics      = 8 << 20 // bytes
)

// readGoroutines reads one gauge of a node's metrics.
func readGoroutines(address string) (int, error) {
	client := &http.Client{Timeout: metricsPatience}
	response, err := client.Get(address)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(io.LimitReader(response.Body, maxMetrics))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			return strconv.Atoi(value)
		}
	}
	return 0, errors.Join(errors.New("no go_goroutines"), lines.Err())
}

// spareFiles are those that a process has open beside its sockets.
const spareFiles = 64

// enoughFiles refuses more sockets than this process may open. A node on the same machine is usually bound by the same number.
func enoughFiles(sockets int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	if uint64(sockets)+spareFiles > uint64(limit.Cur) {
		return fmt.Errorf("%d connections need more open files than the %d that this process may have: ask for %d at most, or raise ulimit -n",
			sockets, limit.Cur, max(0, int64(limit.Cur)-spareFiles))
	}
	return nil
}
