package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// handshakeTime is how long a connection may take from its dialling or accepting to its welcome.
const handshakeTime = 2 * time.Second

// dial opens all connections of a new link, control first.
func (p *peer) dial() (*link, error) {
	var conns [classes]net.Conn
	number := p.mesh.numbers.Add(1)
	for class := range classes {
		conn, err := p.open(p.ctx, joining, class, number)
		if err != nil {
			closeAll(conns)
			return nil, err
		}
		conns[class] = conn
	}
	return newLink(p, number, conns), nil
}

// probe sees whether the peer answers, nil if it does.
func (p *peer) probe(ctx context.Context) error {
	conn, err := p.open(ctx, probing, Control, 0)
	if err != nil {
		return err
	}
	return conn.Close()
}

// open dials one connection and brings it to its welcome.
func (p *peer) open(ctx context.Context, purpose purpose, class Class, number uint64) (net.Conn, error) {
	m := p.mesh
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	p.mu.Lock()
	address := p.address
	p.mu.Unlock()
	raw, err := m.config.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	conn, proven, err := m.secure(ctx, raw, m.asClient)
	if err == nil {
		err = m.introduce(conn, proven, hello{
			min: minVersion, max: maxVersion, purpose: purpose, class: class,
			label: m.label, cluster: m.config.Cluster, from: m.config.Instance, to: p.instance, number: number,
		})
	}
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("dial %s: %w", address, err)
	}
	return conn, nil
}

func (m *Mesh) asClient(raw net.Conn) *tls.Conn { return tls.Client(raw, m.config.Identity.Client()) }

func (m *Mesh) asServer(raw net.Conn) *tls.Conn { return tls.Server(raw, m.config.Identity.Server()) }

// secure shakes hands on the side given and returns the instance that the other side has proven to be, 0 if links are
// plain.
func (m *Mesh) secure(ctx context.Context, raw net.Conn, side func(net.Conn) *tls.Conn) (net.Conn, uint64, error) {
	if err := raw.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return nil, 0, err
	}
	identity := m.config.Identity
	if identity == nil {
		if !loopback(raw.RemoteAddr()) {
			return nil, 0, fmt.Errorf("%w: without a cluster secret links go between loopback addresses alone", errMisfit)
		}
		return raw, 0, nil
	}
	conn := side(&joinedConn{Conn: raw})
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, 0, err
	}
	proven, err := identity.Peer(conn.ConnectionState())
	return conn, proven, err
}

// introduce says hello and takes the answer.
func (m *Mesh) introduce(conn net.Conn, proven uint64, h hello) error {
	if err := writeGreeting(conn, h.append(nil)); err != nil {
		return err
	}
	w, err := readWelcome(conn)
	switch {
	case err != nil:
		return err
	case proven != 0 && w.instance != proven:
		return fmt.Errorf("%w: its certificate names %016x, its welcome %016x", errMisfit, proven, w.instance)
	case w.answer != welcomed:
		return &refusalError{answer: w.answer, instance: w.instance, self: w.instance == m.config.Instance}
	case w.instance != h.to:
		return fmt.Errorf("%w: instance %016x takes itself for another", errMisfit, w.instance)
	case w.version < minVersion || w.version > maxVersion:
		return fmt.Errorf("%w: it chose version %d, which was not offered", errMisfit, w.version)
	}
	if h.purpose == probing {
		return nil
	}
	return conn.SetDeadline(time.Time{})
}
