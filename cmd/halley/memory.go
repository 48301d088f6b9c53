package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"halley/pushnode"
	"halley/pushnode/pressure"
)

// memoryConfig says how much memory the node may use.
type memoryConfig struct {
	MemoryLimit memorySize `placeholder:"SIZE" env:"HALLEY_MEMORY_LIMIT" help:"Memory that the node may use, as 512MiB or 8GiB, or off. From 80 % of it on no new clients are let in, from 90 % on nothing is published. Default: GOMEMLIMIT where that is set, else three quarters of the container's or the machine's memory."`
}

// memorySize is a number of bytes as an operator writes it; 0: nothing was said, negative: off.
type memorySize int64

// memoryUnits are the endings that a size may have, as those of GOMEMLIMIT. The longest come first.
var memoryUnits = []struct {
	ending string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}, {"", 1}}

// leastMemory is what a node needs to be of any use: with less it would let nobody in.
const leastMemory = 64 << 20

// memoryOff is the size that stands for no bound.
const memoryOff = "off"

// UnmarshalText reads 64 MiB or more, or off.
func (m *memorySize) UnmarshalText(text []byte) error {
	if string(text) == memoryOff {
		*m = -1
		return nil
	}
	for _, unit := range memoryUnits {
		digits, fits := strings.CutSuffix(string(text), unit.ending)
		if !fits {
			continue
		}
		number, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || number < 0 || number > math.MaxInt64/unit.bytes {
			break
		}
		if *m = memorySize(number * unit.bytes); *m < leastMemory {
			return fmt.Errorf("%s is too little for a node: want 64MiB or more", text)
		}
		return nil
	}
	return fmt.Errorf("%.40q is no size: want a number with KiB, MiB, GiB or TiB, or %s", text, memoryOff)
}

// memoryPart is the share of a container's or machine's memory that the node takes where nobody says how much: the rest is for the
// kernel, which holds 4 KB for each connection and more for those that are slow.
const memoryPart = 0.75

// pressure says what the node may use, and has the garbage collector stay within it unless the operator gave that a limit of its own
// (GOMEMLIMIT): below what lives it would only burn processors.
func (c memoryConfig) pressure(logger *slog.Logger) pushnode.Pressure {
	collector := int64(math.MaxInt64)
	_, given := os.LookupEnv("GOMEMLIMIT")
	if given {
		collector = debug.SetMemoryLimit(-1) // reads it
	}
	limit, from := c.limit(collector, available)
	if !given && limit > 0 {
		debug.SetMemoryLimit(limit)
	}
	logger.Info("memory limit", "bytes", limit, "from", from)
	return pushnode.Pressure{Limits: pressure.Limits{Memory: limit, Delay: pressure.DefaultDelay}}
}

// limit is what the node may use in bytes, 0 for any amount, and who says so. collector is the limit that the operator gave the garbage
// collector; the greatest number: none.
func (c memoryConfig) limit(collector int64, available func() (int64, error)) (bytes int64, from string) {
	switch {
	case c.MemoryLimit < 0:
		return 0, "--memory-limit"
	case c.MemoryLimit > 0:
		return int64(c.MemoryLimit), "--memory-limit"
	case collector < math.MaxInt64:
		return collector, "GOMEMLIMIT"
	}
	found, err := available()
	if err != nil {
		return 0, "nobody: " + err.Error()
	}
	return int64(float64(found) * memoryPart), "what there is"
}

// available is how much memory this process can get: the container's or, where that is less, the machine's.
func available() (bytes int64, err error) {
	container, errContainer := memlimit.FromCgroup()
	machine, errMachine := memlimit.FromSystem()
	switch {
	case errContainer != nil && errMachine != nil:
		return 0, errors.Join(errContainer, errMachine)
	case errContainer != nil:
		return int64(machine), nil
	case errMachine != nil:
		return int64(container), nil
	default:
		return int64(min(container, machine)), nil
	}
}
