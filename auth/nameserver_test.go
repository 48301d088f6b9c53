package auth_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
)

// nameServer answers every question for an IPv4 address with the one it holds at that moment, to be kept for no time.
type nameServer struct {
	socket  net.PacketConn
	address atomic.Value // netip.Addr
	asked   atomic.Int32
}

func newNameServer(t *testing.T, address netip.Addr) *nameServer {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &nameServer{socket: socket}
	server.address.Store(address)
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.serve()
	}()
	t.Cleanup(func() {
		socket.Close()
		<-done
	})
	return server
}

// resolver asks this server alone.
func (s *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp4", s.socket.LocalAddr().String())
	}}
}

func (s *nameServer) serve() {
	buffer := make([]byte, 1500)
	for {
		n, from, err := s.socket.ReadFrom(buffer)
		if err != nil {
			return
		}
		if answer := s.answer(buffer[:n]); answer != nil {
			s.asked.Add(1)
			s.socket.WriteTo(answer, from)
		}
	}
}

// answer is RFC 1035 section 4 for one question: the header, the question as it came, and at most one address.
func (s *nameServer) answer(query []byte) []byte {
	const headerBytes = 12
	end := bytes.IndexByte(query[headerBytes:], 0)
	if end < 0 || len(query) < headerBytes+end+5 {
		return nil
	}
	question := query[headerBytes : headerBytes+end+5]
	answers := uint16(0)
	var record []byte
	if kind := binary.BigEndian.Uint16(question[end+1:]); kind == 1 { // A
		answers = 1
		record = append(record, 0xc0, headerBytes, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		record = append(record, s.address.Load().(netip.Addr).AsSlice()...)
	}
	reply := append([]byte(nil), query[:2]...)
	reply = append(reply, 0x81, 0x80, 0, 1, 0, byte(answers), 0, 0, 0, 0)
	return append(append(reply, question...), record...)
}
