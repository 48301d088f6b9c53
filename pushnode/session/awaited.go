package session

import (
	"net/http"

	"halley/pushnode/wire"
)

// awaited is what is kept of a request until its client sends its credential.
type awaited struct {
	visit   *visit
	origin  *http.Request
	request request
	timeout *timeout
	speaks  turn // of those who write to the client meanwhile: its reader, and who refuses it
}

// refuse refuses the client, on another goroutine than its reader's: what that has begun to write is ended first.
func (a *awaited) refuse(reason *wire.Error) {
	a.speaks.claim()
	defer a.speaks.release()
	a.visit.refuse(reason)
}

// say writes to a client that is still awaited.
func (a *awaited) say(text []byte) error {
	a.speaks.claim()
	defer a.speaks.release()
	if a.visit.phase.Load() != phaseOpening {
		return nil // it is told something else
	}
	return a.visit.socket.send(text)
}

// await waits for the frame that opens a WebSocket whose request had no credential.
func (v *visit) await(r *http.Request, request request) {
	_ = v.socket.send(nil) // the answer to the handshake; that the client is gone is heard soon
	v.rules.MessageBytes = wire.OpeningBytes
	waited := &awaited{visit: v, origin: r.WithContext(v.server.base), request: request}
	waited.timeout = v.server.after(v.server.config.HandshakeTimeout, func() {
		waited.refuse(wire.NewError(wire.CodeHandshakeTimeout))
	})
	v.waits = waited
	v.server.awaits(waited)
}

// refuseSoon refuses a client of which nothing has come yet.
func (a *awaited) refuseSoon(reason *wire.Error) { a.timeout.hurry(func() { a.refuse(reason) }) }

// connect opens the connection by the first frame.
func (v *visit) connect(text []byte) {
	waited := v.waits
	v.waits = nil
	v.server.awaitsNoMore(waited)
	if !waited.timeout.stop() {
		return // it was too late, and is told so
	}
	command, fault := wire.DecodeCommand(text)
	if fault == nil && command.Op != wire.OpConnect {
		fault = wire.Errorf(wire.CodeProtocolError, "the first frame is %s, not connect", command.Op)
	}
	if fault != nil {
		v.refuse(fault)
		return
	}
	request := waited.request
	request.credential = command.Key + command.Token
	var err error
	if request.grant, request.app, err = v.server.admit(waited.origin, request.credential); err != nil {
		v.refuse(err)
		return
	}
	v.open(waited.origin, request, command)
}
