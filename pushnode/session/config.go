package session

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/channel"
)

// Config bounds what a Server spends on its clients. A field that is zero has its default.
type Config struct {
	HandshakeTimeout time.Duration // for a WebSocket's credential to come; 10 s
	PingInterval     time.Duration // of silence after which the server says something; 25 s
	PongTimeout      time.Duration // for the answer to a WebSocket ping; 10 s
	ActivityTimeout  time.Duration // of silence of a client of Pusher's after which it is asked, and the time that it has to answer; 30 s
	WriteTimeout     time.Duration // a socket that takes nothing for so long is closed with 4110; 10 s
	CloseTimeout     time.Duration // for the client's answer to a close; 2 s
	CommandTimeout   time.Duration // for one call of the Backend; 5 s
	RecordDelay      time.Duration // changes of a session's record are collected for so long; 50 ms
	PresenceGrace    time.Duration // a session without a connection counts as a subscriber for so long; 15 s
	SessionTTL       time.Duration // and is remembered for so long; 2 min
	DrainSpread      time.Duration // the latest that a drained client is told to come back; 20 s

	PendingPerIP  int // connections of one address (IPv6: /64) that have not given a credential; 64
	AbsentPerIP   int // clients of one address (likewise) without a WebSocket for which no request is here just now; 1024
	QueueMessages int // that may wait for one connection, whatever their size; 1024

	Compression bool // permessage-deflate is offered to WebSockets: less bytes for more processor time

	Origin string // of the console, whose pages every app lets in: scheme://host or scheme://host:port; empty: none

	Logger     *slog.Logger          // nil: nothing is logged
	Registerer prometheus.Registerer // nil: metrics are kept and shown to nobody
}

func (c Config) withDefaults() Config {
	defaults := []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.HandshakeTimeout, 10 * time.Second},
		{&c.PingInterval, 25 * time.Second},
		{&c.PongTimeout, 10 * time.Second},
		{&c.ActivityTimeout, 30 * time.Second},
		{&c.WriteTimeout, 10 * time.Second},
		{&c.CloseTimeout, 2 * time.Second},
		{&c.CommandTimeout, 5 * time.Second},
		{&c.RecordDelay, 50 * time.Millisecond},
		{&c.PresenceGrace, channel.PresenceGrace},
		{&c.SessionTTL, channel.SessionTTL},
		{&c.DrainSpread, 20 * time.Second},
	}
	for _, d := range defaults {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.PendingPerIP <= 0 {
		c.PendingPerIP = 64
	}
	if c.AbsentPerIP <= 0 {
		c.AbsentPerIP = 1024
	}
	if c.QueueMessages <= 0 {
		c.QueueMessages = 1024
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	return c
}
