package link

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// acceptPause is the wait after an accept that failed, most likely for want of file descriptors.
const acceptPause = 100 * time.Millisecond

// maxStrangers bounds the connections that have not been welcomed yet. One more pushes out the oldest.
const maxStrangers = 128

// accept takes connections until the listener is closed.
func (m *Mesh) accept() {
	for {
		conn, err := m.config.Listener.Accept()
		if err == nil {
			m.waiting.Go(func() { m.receive(conn) })
			continue
		}
		if m.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		m.config.Logger.Warn("accept a connection of a peer", "err", err)
		select {
		case <-time.After(acceptPause):
		case <-m.ctx.Done():
		}
	}
}

// receive brings an accepted connection to its welcome and to the peer that dialled it.
func (m *Mesh) receive(conn net.Conn) {
	m.porch.enter(conn)
	kept := false
	defer func() {
		if cause := recover(); cause != nil {
			m.metrics.panics.Inc()
			m.config.Logger.Error("panic on an accepted connection", "err", cause, "stack", string(debug.Stack()))
		}
		m.porch.leave(conn)
		if !kept {
			conn.Close()
		}
	}()
	kept = m.greet(conn)
}

// greet reports whether the connection has become part of a link.
func (m *Mesh) greet(raw net.Conn) bool {
	ctx, cancel := context.WithTimeout(m.ctx, handshakeTime)
	defer cancel()
	conn, proven, err := m.secure(ctx, raw, m.asServer)
	if err != nil {
		m.refused("refused a connection", "address", raw.RemoteAddr(), "err", err)
		if record, ok := errors.AsType[tls.RecordHeaderError](err); ok && record.Conn != nil {
			_ = m.answer(raw, hello{}, otherSecurity) // a plain node is told why; what becomes of it is its concern
		}
		return false
	}
	h, err := readHello(conn)
	if err != nil {
		if errors.Is(err, errMisfit) {
			m.refused("refused a hello", "address", raw.RemoteAddr(), "err", err)
			_ = m.answer(conn, hello{}, otherProtocol)
		}
		return false
	}
	p, verdict := m.judgeHello(h, proven)
	if verdict != welcomed && verdict != unknown && verdict != stale {
		m.refused("refused a hello", "node", node(h.from), "address", raw.RemoteAddr(), "reason", verdict.String())
	}
	if err := m.answer(conn, h, verdict); err != nil || verdict != welcomed || h.purpose == probing {
		return false
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return false
	}
	return p.add(h, conn)
}

// judgeHello returns the answer to a hello, and the wanted peer whose it is. Whether the one that asks fits is judged before whether
// it meant another instance: only to those that fit is that a proof.
func (m *Mesh) judgeHello(h hello, proven uint64) (*peer, answer) {
	switch {
	case proven != 0 && proven != h.from:
		return nil, falseName
	case h.label != m.label:
		return nil, otherLabel
	case h.cluster != m.config.Cluster:
		return nil, otherCluster
	case h.max < minVersion || h.min > maxVersion:
		return nil, otherVersion
	case h.to != m.config.Instance:
		return nil, otherInstance
	}
	p := m.peer(h.from)
	switch {
	case h.purpose == probing:
		if p != nil {
			p.nudge() // it lives, and knows us
		}
		return p, welcomed
	case p == nil:
		return nil, unknown
	case p.dials():
		return nil, otherRole
	}
	return p, p.admit(h)
}

func (m *Mesh) answer(conn net.Conn, h hello, verdict answer) error {
	return writeGreeting(conn, welcome{version: min(h.max, maxVersion), answer: verdict, instance: m.config.Instance}.append(nil))
}

// refused counts a connection that was refused, and now and then logs one.
func (m *Mesh) refused(message string, attributes ...any) {
	m.metrics.refusals.Inc()
	m.grumble.Do(func() { m.config.Logger.Warn(message, attributes...) })
}

// porch holds the connections that were accepted and not welcomed yet, the oldest first.
type porch struct {
	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

func newPorch() *porch { return &porch{} }

func (p *porch) enter(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		conn.Close()
		return
	}
	if len(p.conns) == maxStrangers {
		p.conns[0].Close()
		p.conns = slices.Delete(p.conns, 0, 1)
	}
	p.conns = append(p.conns, conn)
}

func (p *porch) leave(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.conns, conn); i >= 0 {
		p.conns = slices.Delete(p.conns, i, i+1)
	}
}

// close closes all that are here or come later.
func (p *porch) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, conn := range p.conns {
		conn.Close()
	}
}
