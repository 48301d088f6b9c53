package session_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
)

func TestWebSocketReceives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s, connected := h.login("")
		if !strings.HasPrefix(connected.text("session"), "ses_") || connected["resumed"] != false || connected.number("ping") != 25000 {
			t.Errorf("connected is %v", connected)
		}
		h.publish(t, "news", "before")
		answer := s.ask(`{"op":"subscribe","ref":1,"channel":"news"}`)
		if answer.number("offset") != 1 || answer["recovered"] != true {
			t.Errorf("subscribe answered %v", answer)
		}
		h.publish(t, "other", "foreign")
		h.publish(t, "news", "one")
		h.publish(t, "news", "two")
		s.wantMessage("one")
		if two := s.wantMessage("two"); two.number("offset") != 3 || two.text("epoch") != answer.text("epoch") || two.text("event") != "message" {
			t.Errorf("the message is %v", two)
		}
		synctest.Wait()
		if got := h.meter.delivered(); got != 2 {
			t.Errorf("%d messages were metered, want 2", got)
		}
	})
}

func TestWebSocketConnectsByFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		s := h.connect("")
		s.send(`{"op":"connect","ref":9,"key":"hl_pk_a"}`)
		if connected := s.want("connected"); connected.number("ref") != 9 {
			t.Errorf("connected is %v", connected)
		}
		if pong := s.ask(`{"op":"ping","ref":2}`); pong.number("time") == 0 {
			t.Errorf("ping answered %v", pong)
		}
	})
}

func TestWebSocketCloses(t *testing.T) {
	tests := map[string]struct {
		query string
		kind  websocket.MessageType
		frame string
		code  int
	}{
		"unknown key in the URL":          {"key=hl_pk_x", websocket.MessageText, "", 4009},
		"secret key in the URL":           {"key=hl_sk_x", websocket.MessageText, "", 4011},
		"two credentials":                 {"key=hl_pk_a&token=x", websocket.MessageText, "", 4013},
		"unknown parameter":               {"key=hl_pk_a&sesion=new", websocket.MessageText, "", 4013},
		"bad cursor":                      {"key=hl_pk_a&cursor=news", websocket.MessageText, "", 4013},
		"unknown key in connect":          {"", websocket.MessageText, `{"op":"connect","key":"hl_pk_x"}`, 4009},
		"something else before connect":   {"", websocket.MessageText, `{"op":"ping"}`, 4013},
		"malformed connect":               {"", websocket.MessageText, `{"op":"connect"`, 4013},
		"connect without credential":      {"", websocket.MessageText, `{"op":"connect"}`, 4013},
		"too much before connect":         {"", websocket.MessageText, strings.Repeat(" ", 16<<10+1), 4014},
		"binary before connect":           {"", websocket.MessageBinary, "x", 4013},
		"silence before connect":          {"", websocket.MessageText, "", 4012},
		"connect twice":                   {"key=hl_pk_a", websocket.MessageText, `{"op":"connect","key":"hl_pk_a"}`, 4013},
		"binary frame":                    {"key=hl_pk_a", websocket.MessageBinary, "x", 4013},
		"frame too large":                 {"key=hl_pk_a", websocket.MessageText, strings.Repeat(" ", 69<<10), 4014},
		"client closes":                   {"key=hl_pk_a", websocket.MessageText, `{"op":"close"}`, 1000},
		"client closes and wants to know": {"key=hl_pk_a", websocket.MessageText, `{"op":"close","ref":1}`, 1000},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				s := h.connect(test.query)
				if test.frame != "" {
					if test.query != "" {
						s.want("connected")
					}
					s.write(test.kind, test.frame)
				}
				last := s.wantClose(test.code)
				if test.code != 1000 && last.code() != int64(test.code) {
					t.Errorf("the last push was %v, want the error %d", last, test.code)
				}
			})
		})
	}
}

func TestWebSocketSurvivesBadCommands(t *testing.T) {
	tests := map[string]struct {
		frame string
		code  int64
	}{
		"malformed":          {`{"op":"ping"`, 4303},
		"duplicate name":     {`{"op":"ping","op":"ping"}`, 4304},
		"unknown field":      {`{"op":"ping","x":1}`, 4306},
		"missing field":      {`{"op":"subscribe"}`, 4307},
		"unknown op":         {`{"op":"shout"}`, 4311},
		"bad channel":        {`{"op":"subscribe","channel":"a b"}`, 4309},
		"denied":             {`{"op":"subscribe","channel":"secret"}`, 4310},
		"presence denied":    {`{"op":"subscribe","channel":"quiet","presence":true}`, 4310},
		"enter denied":       {`{"op":"enter","channel":"quiet"}`, 4310},
		"members denied":     {`{"op":"members","channel":"quiet"}`, 4310},
		"history denied":     {`{"op":"history","channel":"secret"}`, 4310},
		"publish denied":     {`{"op":"publish","channel":"secret","data":1}`, 4310},
		"not subscribed":     {`{"op":"unsubscribe","channel":"news"}`, 4323},
		"refused new token":  {`{"op":"token","token":"none"}`, 4310},
		"token of another":   {`{"op":"token","token":"bob"}`, 4310},
		"too many channels":  {`{"op":"subscribe","channel":"third"}`, 4321},
		"too many presences": {`{"op":"enter","channel":"third"}`, 4321},
	}
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(_ *sessionConfig, n *node) {
			n.app.ChannelsPerConnection = 2
			n.denied = []string{"subscribe:secret", "history:secret", "publish:secret", "presence:quiet"}
			n.grants["bob"] = grantOf("bob")
		})
		s, _ := h.login("")
		for _, name := range []string{"first", "second"} {
			s.ask(`{"op":"subscribe","ref":1,"channel":"` + name + `"}`)
			synctest.Wait()
			s.ask(`{"op":"enter","ref":1,"channel":"` + name + `"}`)
		}
		for name, test := range tests {
			s.send(test.frame)
			answer := s.want("error")
			if answer.code() != test.code {
				t.Errorf("%s: answered %v, want %d", name, answer, test.code)
			}
		}
		s.send(`{"op":"ping"}`) // without ref: no answer
		s.ask(`{"op":"ping","ref":5}`)
	})
}

func TestWebSocketRefusesPlainHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		status, answer := h.get("/v1/ws", nil)
		if status != 426 || answer.code() != 4300 {
			t.Errorf("answered %d %v", status, answer)
		}
	})
}
