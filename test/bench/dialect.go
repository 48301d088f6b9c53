package main

import (
	"strconv"

	"halley/cmd/halley/bench"
)

// plain is the dialect of servers that pass on what was posted: neither credentials nor ids, envelopes or places.
type plain struct {
	subscribe, publish string // paths, to which the channel's name is added
}

func (p plain) Subscription(transport bench.Transport, channel, _ string) (bench.Subscription, error) {
	s := bench.Subscription{Path: p.subscribe + channel}
	if transport == bench.SSE {
		s.Header = "Accept: text/event-stream\r\n"
	}
	return s, nil
}

func (p plain) AppendPublish(dst []byte, host, channel string, _, data []byte) []byte {
	dst = append(append(append(dst, "POST "...), p.publish...), channel...)
	dst = append(append(dst, " HTTP/1.1\r\nHost: "...), host...)
	dst = append(dst, "\r\nContent-Type: text/plain\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(data)), 10)
	return append(append(dst, "\r\n\r\n"...), data...)
}

// Offset is none.
func (plain) Offset([]byte) uint64 { return 0 }
