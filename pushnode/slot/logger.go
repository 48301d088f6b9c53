package slot

import (
	"context"
	"fmt"
	"log/slog"
)

// logger is what raft logs to: its words become an attribute, and its levels are lowered by one, for an election of each of 1024
// slots is not news. What it calls a panic is a broken invariant here as well.
type logger struct {
	slog *slog.Logger
}

func newLogger(to *slog.Logger, slot int) *logger {
	if to == nil {
		to = slog.New(slog.DiscardHandler)
	}
	return &logger{slog: to.With("slot", slot)}
}

func (l *logger) write(level slog.Level, text func() string) {
	if ctx := context.Background(); l.slog.Enabled(ctx, level) {
		l.slog.Log(ctx, level, "raft", "text", text())
	}
}

func (l *logger) print(level slog.Level, v []any) {
	l.write(level, func() string { return fmt.Sprint(v...) })
}

func (l *logger) printf(level slog.Level, format string, v []any) {
	l.write(level, func() string { return fmt.Sprintf(format, v...) })
}

// The methods of raft.Logger.

func (l *logger) Debug(...any)                     {}
func (l *logger) Debugf(string, ...any)            {}
func (l *logger) Info(v ...any)                    { l.print(slog.LevelDebug, v) }
func (l *logger) Infof(format string, v ...any)    { l.printf(slog.LevelDebug, format, v) }
func (l *logger) Warning(v ...any)                 { l.print(slog.LevelInfo, v) }
func (l *logger) Warningf(format string, v ...any) { l.printf(slog.LevelInfo, format, v) }
func (l *logger) Error(v ...any)                   { l.print(slog.LevelWarn, v) }
func (l *logger) Errorf(format string, v ...any)   { l.printf(slog.LevelWarn, format, v) }
func (l *logger) Fatal(v ...any)                   { l.Panic(v...) }
func (l *logger) Fatalf(format string, v ...any)   { l.Panicf(format, v...) }
func (l *logger) Panic(v ...any)                   { panic("raft: " + fmt.Sprint(v...)) }
func (l *logger) Panicf(format string, v ...any)   { panic("raft: " + fmt.Sprintf(format, v...)) }
