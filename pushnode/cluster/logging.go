package cluster

import (
	"bytes"
	"context"
	"log"
	"log/slog"
	"strings"

	"golang.org/x/time/rate"
)

// faultLog takes the lines that memberlist logs: it counts them, and passes on at most one a second of those above info, since any
// stranger who sends packets here can cause them.
type faultLog struct {
	log     *slog.Logger
	metrics *metrics
	pass    *rate.Limiter
}

func newFaultLog(l *slog.Logger, m *metrics) *log.Logger {
	return log.New(&faultLog{l, m, rate.NewLimiter(1, 10)}, "", 0)
}

// Write takes one line, as package log writes it: "[WARN] memberlist: text".
func (f *faultLog) Write(line []byte) (int, error) {
	level, text := slog.LevelDebug, bytes.TrimSpace(line)
	for mark, l := range marks {
		if rest, ok := bytes.CutPrefix(text, []byte(mark)); ok {
			level, text = l, bytes.TrimPrefix(bytes.TrimSpace(rest), []byte("memberlist: "))
		}
	}
	if bytes.Contains(text, []byte("over TCP but UDP probes failed")) {
		f.metrics.blocked.Inc()
	}
	if level > slog.LevelDebug {
		f.metrics.faults.WithLabelValues(strings.ToLower(level.String())).Inc()
		if !f.pass.Allow() {
			return len(line), nil
		}
	}
	f.log.Log(context.Background(), level, "gossip fault", "fault", string(text))
	return len(line), nil
}

// marks are memberlist's levels. What it calls an error is nothing that a human must act on by itself: the view heals.
var marks = map[string]slog.Level{
	"[ERR]": slog.LevelWarn, "[WARN]": slog.LevelInfo, "[INFO]": slog.LevelDebug, "[DEBUG]": slog.LevelDebug,
}
