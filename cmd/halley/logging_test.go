package main

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestLogShowsNoSecret(t *testing.T) {
	t.Parallel()
	const canary = "CANARY0123456789"
	token := "eyJhbGciOiJFZERTQSJ9." + canary + ".c2lnbmF0dXJl"
	attrs := []slog.Attr{
		slog.String("password", canary), slog.String("token", canary), slog.String("key", canary), slog.String("Authorization", canary),
		slog.String("cookie", canary), slog.String("resume", canary), slog.Group("mail", slog.String("secret", canary)),
		slog.String("path", "refused hl_sk_"+canary+"abc"),
		slog.String("url", "https://example.com/v1/ws?channel=news&token="+canary+"&x=y"),
		slog.String("url2", "https://example.com/v1/ws?key="+canary),
		slog.String("database", "postgres://halley:"+canary+"@db.example/halley"),
		slog.Any("err", errors.New("parse token "+token)),
		slog.Any("err2", errors.New(`Get "https://example.com/?session=`+canary+`": refused`)),
	}
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		logger := logConfig{Level: "debug", Format: format}.logger(&out)
		for _, attr := range attrs {
			logger.LogAttrs(t.Context(), slog.LevelInfo, "event", attr)
			logger.With("x", 1).WithGroup("g").LogAttrs(t.Context(), slog.LevelInfo, "event", attr)
		}
		if strings.Contains(out.String(), canary) {
			t.Errorf("%s: the log shows a secret:\n%s", format, out.String())
		}
		if got, want := strings.Count(out.String(), "[redacted]"), 2*len(attrs); got < want {
			t.Errorf("%s: %d redactions, want %d", format, got, want)
		}
	}
}

func TestLogKeepsTheRest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := logConfig{Level: "warn", Format: "text"}.logger(&out)
	logger.Info("below the level")
	logger.Warn("publish refused", "app", "app_1", "publishable", "hl_pk_abc", "url", "https://example.com/v1/channels?prefix=a", "n", 3)
	want := `msg="publish refused" app=app_1 publishable=hl_pk_abc url="https://example.com/v1/channels?prefix=a" n=3`
	if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "below") {
		t.Errorf("the log says\n%s", got)
	}
}
