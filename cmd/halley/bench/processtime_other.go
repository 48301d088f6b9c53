//go:build !linux

package bench

import (
	"errors"
	"time"
)

// processTime is not to be had here.
func processTime(int) (time.Duration, error) {
	return 0, errors.New("what another process costs can be measured on Linux alone: leave out --pid")
}
