package main

import (
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
)

// logConfig says what is logged, and how. The log goes to stderr.
type logConfig struct {
	Level  string `enum:"debug,info,warn,error" default:"info" env:"HALLEY_LOG_LEVEL" help:"Log from this level on: debug, info, warn or error."`
	Format string `enum:"text,json" default:"text" env:"HALLEY_LOG_FORMAT" help:"Form of the log: text or json."`
}

// logger makes the logger. What looks like a secret does not pass it, whoever logs it.
func (c logConfig) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	return c.handled(w, &slog.HandlerOptions{Level: level, ReplaceAttr: redact})
}

// letters makes the logger for mails that no server sends. It hides nothing and heeds no level: the link in a mail is a secret, and
// the log is the one place where its reader can get it. Only console.LogMailer may have it.
func (c logConfig) letters(w io.Writer) *slog.Logger {
	return c.handled(w, &slog.HandlerOptions{Level: slog.LevelDebug})
}

func (c logConfig) handled(w io.Writer, options *slog.HandlerOptions) *slog.Logger {
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// secretAttrs are the keys whose values are never written.
var secretAttrs = []string{
	"authorization", "cookie", "credential", "dsn", "key", "master_key", "password", "resume", "secret", "secret_key", "set-cookie",
	"token",
}

// secretText finds secrets within other text: secret keys, JWTs, passwords in URLs, and the query of a URL that holds a credential.
var secretText = regexp.MustCompile(
	`hl_(sk|pat)_[0-9A-Za-z]+|eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+|://[^/\s:@]*:[^/\s@]+@|[?&](key|token|session|resume)=[^&\s"]+`)

const redacted = "[redacted]"

// redact is the last look at everything that is logged.
func redact(_ []string, attr slog.Attr) slog.Attr {
	if slices.Contains(secretAttrs, strings.ToLower(attr.Key)) {
		return slog.String(attr.Key, redacted)
	}
	switch value := attr.Value.Any().(type) {
	case string:
		return redactText(attr, value)
	case error:
		return redactText(attr, value.Error())
	}
	return attr
}

func redactText(attr slog.Attr, text string) slog.Attr {
	if clean := secretText.ReplaceAllString(text, redacted); clean != text {
		return slog.String(attr.Key, clean)
	}
	return attr
}
