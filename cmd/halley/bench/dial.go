package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// openPatience is for a connection to stand and to follow its channel.
const openPatience = 20 * time.Second

// The key of every handshake, and the answer to it. RFC 6455, section 4.1, wants a random one against caches; there are none here, and a
// fixed one costs the generator nothing.
const (
	socketKey    = "AAAAAAAAAAAAAAAAAAAAAA=="
	socketAccept = "ICX+Yqv66kxgM0FcWaLWlFLwTAI="
)

// dialer opens connections to one server.
type dialer struct {
	target *Target
	count  atomic.Uint32
}

// perSource is how many connections come from one address: one has 28,000 ports, of which some wait for their end, and servers bound what
// comes from one.
const (
	perSource = 5000
	sources   = 250
)

// dial connects. On the loopback all of 127/8 are this machine's addresses, so that ports do not run out.
func (d *dialer) dial(ctx context.Context) (net.Conn, error) {
	var plain net.Dialer
	host := d.target.URL.Host
	if ip := net.ParseIP(d.target.URL.Hostname()).To4(); ip != nil && ip.IsLoopback() {
		if from := d.count.Add(1) / perSource % sources; from > 0 {
			plain.LocalAddr, plain.Control = &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(from))}, bindLate
		}
	}
	if d.target.URL.Scheme == "https" {
		// A WebSocket is an upgrade of HTTP/1.1, so no other protocol is offered.
		secure := tls.Dialer{NetDialer: &plain, Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: d.target.Roots}}
		return secure.DialContext(ctx, "tcp", host)
	}
	return plain.DialContext(ctx, "tcp", host)
}

// open has a subscriber follow its topic, and returns its connection.
func (d *dialer) open(ctx context.Context, s *subscriber, transport Transport, credential string) (net.Conn, error) {
	subscription, err := d.target.Dialect.Subscription(transport, s.topic.name, credential)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	// Who stops the run does not wait for servers that hang.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	s.link, s.steps, s.farewell = conn, subscription.Steps, subscription.Farewell
	if err := d.converse(conn, s, transport, subscription); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, conn.SetDeadline(time.Time{})
}

// converse asks for the channel, and listens until all steps are done.
func (d *dialer) converse(conn net.Conn, s *subscriber, transport Transport, subscription Subscription) error {
	if err := conn.SetDeadline(time.Now().Add(openPatience)); err != nil {
		return err
	}
	if _, err := conn.Write(openingRequest(d.target.URL.Host, transport, subscription)); err != nil {
		return err
	}
	buffer := make([]byte, 4<<10)
	opened := false
	var ignored intake
	for begun := 0; !opened || len(s.steps) > 0; {
		n, err := conn.Read(buffer[begun:])
		if err != nil {
			return err
		}
		data := buffer[:begun+n]
		if !opened {
			length, err := s.opened(data, transport)
			if err != nil {
				return err
			}
			if begun = len(data); length == 0 && begun == len(buffer) {
				return errNoHead
			} else if length == 0 {
				continue
			}
			opened, begun, data = true, 0, data[length:]
			if err := s.say(); err != nil {
				return err
			}
		}
		if err := s.feed(data, 0, &ignored); err != nil {
			return err
		}
	}
	return nil
}

// openingRequest is the request of a subscriber: for a WebSocket that of RFC 6455, section 4.1.
func openingRequest(host string, transport Transport, subscription Subscription) []byte {
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n%s", subscription.Path, host, subscription.Header)
	if transport.isSocket() {
		request = append(request, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "+
			socketKey+"\r\n"...)
	}
	return append(request, lineEnd...)
}

// opened reads the head of the answer and returns its length, 0 where it has not come whole.
func (s *subscriber) opened(data []byte, transport Transport) (length int, err error) {
	h, length, err := parseHead(data)
	switch {
	case err != nil || length == 0:
		return 0, err
	case transport.isSocket() && h.status == 101 && string(h.accept) == socketAccept:
		s.decoder = &socketDecoder{}
	case transport == SSE && h.status == 200:
		s.decoder = eventDecoder{}
		if h.chunked {
			s.chunks = &chunks{}
		}
	default:
		return 0, fmt.Errorf("the server refused: %.300s", data)
	}
	return length, nil
}
