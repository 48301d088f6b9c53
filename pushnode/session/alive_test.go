package session_test

import (
	"bufio"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// raw is a WebSocket that answers nothing by itself.
type raw struct {
	tb     testing.TB
	conn   io.ReadWriteCloser
	reader *bufio.Reader
}

func (h *house) rawConnect() *raw {
	h.tb.Helper()
	return h.rawConnectTo("/v1/ws?key=hl_pk_a")
}

func (h *house) rawConnectTo(target string) *raw {
	h.tb.Helper()
	conn, err := h.dial(t0())
	if err != nil {
		h.tb.Fatal(err)
	}
	h.tb.Cleanup(func() { _ = conn.Close() })
	request := "GET " + target + " HTTP/1.1\r\nHost: halley\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		h.tb.Fatal(err)
	}
	r := &raw{tb: h.tb, conn: conn, reader: bufio.NewReader(conn)}
	response, err := http.ReadResponse(r.reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		h.tb.Fatalf("handshake: %v, %v", response, err)
	}
	return r
}

// frame reads one frame, of at most 65,535 bytes.
func (r *raw) frame() (opcode wire.Opcode, payload []byte) {
	r.tb.Helper()
	var header [2]byte
	r.full(header[:])
	length := int(header[1])
	if length == 126 {
		var long [2]byte
		r.full(long[:])
		length = int(long[0])<<8 | int(long[1])
	}
	payload = make([]byte, length)
	r.full(payload)
	return wire.Opcode(header[0] & 0xf), payload
}

func (r *raw) full(p []byte) {
	r.tb.Helper()
	if _, err := io.ReadFull(r.reader, p); err != nil {
		r.tb.Fatalf("read a frame: %v", err)
	}
}

// send writes one masked frame, of at most 125 bytes. The mask is zero.
func (r *raw) send(opcode wire.Opcode, payload string) {
	r.tb.Helper()
	frame := append([]byte{0x80 | byte(opcode), 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
	if _, err := r.conn.Write(frame); err != nil {
		r.tb.Fatalf("write a frame: %v", err)
	}
}

func (r *raw) wantFrame(opcode wire.Opcode) []byte {
	r.tb.Helper()
	got, payload := r.frame()
	if got != opcode {
		r.tb.Fatalf("got opcode %x with %q, want %x", got, payload, opcode)
	}
	return payload
}

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		r := h.rawConnect()
		r.wantFrame(wire.OpcodeText) // connected
		began := time.Now()
		for round := range 2 {
			r.wantFrame(wire.OpcodePing)
			if push := decode(t, r.wantFrame(wire.OpcodeText)); push.text("op") != "ping" {
				t.Errorf("got %v", push)
			}
			if waited := time.Since(began); waited != time.Duration(round+1)*25*time.Second {
				t.Errorf("ping %d came after %v", round, waited)
			}
			if round == 0 {
				r.send(wire.OpcodePong, "")
			}
		}
		fault := decode(t, r.wantFrame(wire.OpcodeText))
		payload := r.wantFrame(wire.OpcodeClose)
		if code := int(payload[0])<<8 | int(payload[1]); fault.code() != 4201 || code != 4201 {
			t.Errorf("a silent client got %v and the close %d", fault, code)
		}
		if waited := time.Since(began); waited != 60*time.Second {
			t.Errorf("the close came after %v", waited)
		}
	})
}

// A client's own ping is answered by the connection's writer, and any frame counts as a sign of life.
func TestClientPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		r := h.rawConnect()
		r.wantFrame(wire.OpcodeText)
		for range 3 {
			r.wantFrame(wire.OpcodePing)
			r.wantFrame(wire.OpcodeText)
			r.send(wire.OpcodePing, "are you there")
			if payload := r.wantFrame(wire.OpcodePong); string(payload) != "are you there" {
				t.Errorf("the pong holds %q", payload)
			}
		}
		r.send(wire.OpcodeClose, "\x03\xe8")
		if payload := r.wantFrame(wire.OpcodeClose); payload[0] != 0x03 || payload[1] != 0xe8 {
			t.Errorf("the close was answered by %x", payload)
		}
	})
}

func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		h := open(t, func(_ *sessionConfig, n *node) {
			for i, name := range []string{"short", "long"} {
				n.grants[name] = &auth.Grant{Kind: auth.KindToken, AppID: testApp, ClientID: "ada", ExpiresAt: began.Add(time.Duration(i+2) * time.Minute)}
			}
		})
		s := h.connect("token=short")
		if connected := s.want("connected"); connected.number("expires") != began.Add(2*time.Minute).UnixMilli() || connected.text("client_id") != "ada" {
			t.Errorf("connected is %v", connected)
		}
		skipPings(s, "expiring")
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("the warning came after %v", waited)
		}
		s.send(`{"op":"token","ref":1,"token":"long"}`)
		if renewed := skipPings(s, "ok"); renewed.number("expires") != began.Add(3*time.Minute).UnixMilli() {
			t.Errorf("token answered %v", renewed)
		}
		if warning := skipPings(s, "expiring"); warning.number("in") != 60000 {
			t.Errorf("the second warning is %v", warning)
		}
		s.wantClose(4210)
		if waited := time.Since(began); waited != 3*time.Minute {
			t.Errorf("the end came after %v", waited)
		}
	})
}

// A renewed token that allows less ends what it does not allow.
func TestTokenRenewalNarrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		s.ask(`{"op":"subscribe","ref":2,"channel":"room","presence":true}`)
		synctest.Wait()
		h.set(func() { h.denied = []string{"subscribe:news", "presence:room"} })
		s.ask(`{"op":"token","ref":3,"token":"hl_pk_a"}`)
		if ended := s.want("unsubscribed"); ended.text("channel") != "news" || ended.code() != 4310 {
			t.Errorf("got %v", ended)
		}
		h.publish(t, "news", "lost")
		h.publish(t, "room", "kept")
		s.wantMessage("kept")
	})
}

// skipPings reads to the next frame that is no ping, which must have that op.
func skipPings(s *socket, op string) object {
	s.tb.Helper()
	for {
		frame := s.next()
		if frame.text("op") == "ping" {
			continue
		}
		if frame.text("op") != op {
			s.tb.Fatalf("got %v, want op %s", frame, op)
		}
		return frame
	}
}

func TestRecheck(t *testing.T) {
	tests := map[string]struct {
		change func(n *node)
		code   int
	}{
		"key revoked":    {func(n *node) { delete(n.grants, "hl_pk_a") }, 4009},
		"app disabled":   {func(n *node) { n.failing = wire.NewError(wire.CodeAppDisabled) }, 4003},
		"key rate limit": {func(n *node) { n.failing = wire.NewError(wire.CodeRateLimited) }, 4013},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				s, _ := h.login("")
				h.server.Recheck("app_other")
				h.server.Recheck(testApp)
				s.ask(`{"op":"ping","ref":1}`)
				h.set(func() { test.change(h.node) })
				h.server.Recheck(testApp)
				s.wantClose(test.code)
			})
		})
	}
}

// While credentials cannot be verified, connections live; when they can be again, the verdict comes.
func TestRecheckWaitsForItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, _ := h.login("")
		h.set(func() { h.failing = wire.NewError(wire.CodeUnavailable) })
		h.server.Recheck(testApp)
		pass(10 * time.Second)
		s.ask(`{"op":"ping","ref":1}`)
		h.set(func() {
			h.failing = nil
			delete(h.grants, "hl_pk_a")
		})
		s.wantClose(4009)
	})
}

func TestDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		ada := h.connect("token=ada")
		connected := ada.want("connected")
		other, single := h.login("")
		reason := wire.NewError(wire.CodeDisconnected)
		if n := len(h.server.Disconnect(t0(), testApp, "ada", "", reason)); n != 1 {
			t.Errorf("%d sessions were ended, want 1", n)
		}
		ada.wantClose(4016)
		again := h.connect("token=ada&session=" + connected.text("resume"))
		if resumed := again.want("connected"); resumed["resumed"] != false {
			t.Errorf("an ended session came back: %v", resumed)
		}
		if n := len(h.server.Disconnect(t0(), testApp, "", single.text("session"), reason)); n != 1 {
			t.Errorf("%d sessions were ended, want 1", n)
		}
		other.wantClose(4016)
	})
}

// A client that is away when it is disconnected, as a poll is between two answers, is told so when it comes back, and once.
func TestDisconnectWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		_, first := h.get("/v1/poll?token=ada&session=new&channel=news", nil)
		resume := object(first["connected"].(map[string]any)).text("resume")
		synctest.Wait()
		if n := len(h.server.Disconnect(t0(), testApp, "ada", "", wire.NewError(wire.CodeDisconnected))); n != 1 {
			t.Errorf("%d sessions were ended, want 1", n)
		}
		pass(time.Second)
		if got := h.server.Occupancy(channel.ID{App: testApp, Name: "news"}); got.Subscribers != 0 {
			t.Errorf("it still counts: %+v", got)
		}
		path := "/v1/poll?token=ada&wait=0s&channel=news&session=" + resume
		if _, answer := h.get(path, nil); answer.code() != int64(wire.CodeDisconnected) {
			t.Errorf("answered %v", answer)
		}
		if status, again := h.get(path, nil); status != http.StatusOK || again["connected"] == nil {
			t.Errorf("a later connection is answered %d %v", status, again)
		}
	})
}

// A poll that has its answer and is about to leave is as good as away: its client is told with the next one.
func TestDisconnectOfAnAnsweredPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		path := "/v1/poll?token=ada&channel=news&session="
		_, first := h.get(path+"new", nil)
		resume := object(first["connected"].(map[string]any)).text("resume")
		answered := make(chan object, 1)
		go func() {
			_, answer := h.get(path+resume+"&cursor="+escape(first.text("cursor")), nil)
			answered <- answer
		}()
		synctest.Wait()
		h.set(func() { h.after = once("members", func() { pass(time.Second) }) })
		slow := `{"session":"` + resume + `","commands":[{"op":"members","ref":1,"channel":"news"}]}` // has the turn, without which no poll leaves
		header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer ada"}}
		var commands sync.WaitGroup
		commands.Go(func() { h.decodeBody(h.request(http.MethodPost, "/v1/commands", header, slow)) })
		synctest.Wait()
		h.publish(t, "news", "one")
		synctest.Wait()
		h.server.Disconnect(t0(), testApp, "ada", "", wire.NewError(wire.CodeDisconnected))
		if answer := <-answered; answer.texts() != "one" {
			t.Errorf("the poll is answered %v", answer)
		}
		if _, answer := h.get(path+resume+"&wait=0s", nil); answer.code() != int64(wire.CodeDisconnected) {
			t.Errorf("the next one is answered %v", answer)
		}
		commands.Wait()
	})
}

// A poll whose client has just given it up may be told in vain: the next one is told again.
func TestDisconnectOfAPollThatWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) { n.grants["ada"] = grantOf("ada") })
		path := "/v1/poll?token=ada&channel=news&session="
		_, first := h.get(path+"new", nil)
		path += object(first["connected"].(map[string]any)).text("resume")
		lost := make(chan object, 1)
		go func() {
			_, answer := h.get(path+"&cursor="+escape(first.text("cursor")), nil)
			lost <- answer // the network had it, and the client never got it
		}()
		synctest.Wait()
		h.server.Disconnect(t0(), testApp, "ada", "", wire.NewError(wire.CodeDisconnected))
		if answer := <-lost; answer.code() != int64(wire.CodeDisconnected) {
			t.Errorf("the poll is answered %v", answer)
		}
		if _, answer := h.get(path+"&wait=0s", nil); answer.code() != int64(wire.CodeDisconnected) {
			t.Errorf("the next one is answered %v", answer)
		}
		pass(3 * time.Minute)
		if status, again := h.get(path+"&wait=0s", nil); status != http.StatusOK || again["connected"] == nil {
			t.Errorf("a late one is answered %d %v", status, again)
		}
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		var sockets []*socket
		for range 3 {
			s, _ := h.login("")
			sockets = append(sockets, s)
		}
		stream, _ := h.follow("&channel=news", "")
		stream.want("subscribed")
		drained := make(chan error, 1)
		go func() { drained <- h.server.Drain(t0()) }()
		told := map[int64]bool{}
		for _, s := range sockets {
			told[s.want("drain").number("reconnect_in")] = true
			s.wantClose(4200)
		}
		told[stream.want("drain").data.number("reconnect_in")] = true
		if _, err := stream.read(); err == nil {
			t.Error("a drained stream goes on")
		}
		if len(told) != 4 {
			t.Errorf("clients were told %v: not spread", told)
		}
		if err := <-drained; err != nil {
			t.Errorf("drain: %v", err)
		}
		if status, answer := h.get("/v1/poll?key=hl_pk_a&channel=news", nil); status != 503 || answer.code() != 4200 {
			t.Errorf("a drained server answered %d %v", status, answer)
		}
		if _, err := h.tryConnect("key=hl_pk_a", nil); err == nil {
			t.Error("a drained server took a connection")
		}
	})
}

// A token that has ended is not let in, also while its signature is still honoured: the connection would end at once, again and again.
func TestEndedTokenIsNotLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) {
			n.grants["late"] = &auth.Grant{AppID: testApp, ExpiresAt: time.Now().Add(-time.Second)}
		})
		h.connect("token=late").wantClose(int(wire.CodeTokenExpired))
		for _, path := range []string{"/v1/sse?token=late&channel=news", "/v1/poll?token=late&channel=news"} {
			if status, answer := h.get(path, nil); status != http.StatusUnauthorized || answer.code() != int64(wire.CodeTokenExpired) {
				t.Errorf("%s: answered %d %v", path, status, answer)
			}
		}
		s, _ := h.login("")
		s.send(`{"op":"token","ref":1,"token":"late"}`)
		if answer := s.next(); answer.text("op") != "error" {
			t.Errorf("renewed with an ended token: %v", answer)
		}
	})
}

func TestPendingHandshakesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *sessionConfig, _ *node) { c.PendingPerIP = 2 })
		first, second := h.connect(""), h.connect("")
		if _, err := h.tryConnect("", nil); err == nil {
			t.Error("a third connection without credential was let in")
		}
		h.login("") // who shows one at once does not wait behind them
		first.send(`{"op":"connect","key":"hl_pk_a"}`)
		first.want("connected")
		third := h.connect("")
		second.wantClose(4012)
		third.wantClose(4012)
	})
}
