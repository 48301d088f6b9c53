package host

import (
	"log/slog"
	"sync/atomic"
)

// forced counts recoveries by force, most often of many slots at a time, for one line of the log.
type forced struct {
	whole   atomic.Int64 // nothing that was acknowledged can be missing
	partial atomic.Int64
}

func (f *forced) add(whole bool) {
	if whole {
		f.whole.Add(1)
	} else {
		f.partial.Add(1)
	}
}

// log tells what was recovered since the last time.
func (f *forced) log(logger *slog.Logger) {
	if whole := f.whole.Swap(0); whole > 0 {
		logger.Warn("slots recovered by force, with all that was acknowledged", "slots", whole)
	}
	if partial := f.partial.Swap(0); partial > 0 {
		logger.Error("slots recovered by force, and messages may be missing: clients are told", "slots", partial)
	}
}
