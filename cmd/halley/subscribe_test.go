package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
)

// peer is the server's side of one connection that a test has scripted.
type peer struct {
	t      *testing.T
	ctx    context.Context
	socket *websocket.Conn
}

// hear reads the next command, as it was sent.
func (p *peer) hear() string {
	p.t.Helper()
	_, text, err := p.socket.Read(p.ctx)
	if err != nil {
		p.t.Errorf("read a command: %v", err)
	}
	return string(text)
}

// expect reads the next command and compares it.
func (p *peer) expect(want string) {
	p.t.Helper()
	if got := p.hear(); got != want {
		p.t.Errorf("heard %s\nwant  %s", got, want)
	}
}

func (p *peer) say(frame string) {
	p.t.Helper()
	if err := p.socket.Write(p.ctx, websocket.MessageText, []byte(frame)); err != nil {
		p.t.Errorf("write: %v", err)
	}
}

// gone waits until the client has left.
func (p *peer) gone() { _, _, _ = p.socket.Read(p.ctx) }

const (
	hello      = `{"op":"connected","ref":1,"session":"ses_1","resume":"ses_1.x","resumed":false,"time":1,"ping":25000,"timeout":10000,"limits":{"message_bytes":65536,"channels":200}}`
	oneMessage = `{"op":"message","channel":"news","event":"message","data":{"n":%},"id":"m%","epoch":"e1","offset":%,"timestamp":5}`
)

func messageFrame(n string) string { return strings.ReplaceAll(oneMessage, "%", n) }

// printed is how message n is printed.
func printed(n string) string {
	return strings.Replace(messageFrame(n), `"op":"message",`, "", 1) + "\n"
}

// follow runs subscribe against scripted connections, one after the other.
func follow(t *testing.T, scripts []func(p *peer), arguments ...string) result {
	t.Helper()
	t.Setenv("HALLEY_KEY", "hl_pk_test")
	next := make(chan func(p *peer), len(scripts))
	for _, script := range scripts {
		next <- script
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/ws" || r.URL.RawQuery != "" || r.Header.Get("Authorization") != "" {
			t.Errorf("connects to %s; credentials belong in a frame", r.URL)
		}
		socket, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		defer socket.CloseNow()
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		select {
		case script := <-next:
			script(&peer{t: t, ctx: ctx, socket: socket})
		default:
			t.Error("connects once more than the script says")
		}
	}))
	defer server.Close()
	got := execute(append([]string{"subscribe", "--url", server.URL}, arguments...)...)
	if len(next) != 0 {
		t.Errorf("%d connections of the script did not come; said %s", len(next), got.stderr)
	}
	return got
}

// A connection breaks in mid-stream: the next one resumes the session, and names the position in case it is gone.
func TestSubscribeResumes(t *testing.T) {
	got := follow(t, []func(*peer){
		func(p *peer) {
			p.expect(`{"op":"connect","ref":1,"key":"hl_pk_test"}`)
			p.say(hello)
			p.expect(`{"op":"subscribe","ref":2,"channel":"news","rewind":3}`)
			p.say(`{"op":"ok","ref":2,"channel":"news","epoch":"e1","offset":4}`)
			p.say(messageFrame("5"))
			p.say(`{"op":"ping"}`)
			p.say(`{"op":"from the future","more":[1]}`)
		},
		func(p *peer) {
			p.expect(`{"op":"connect","ref":1,"key":"hl_pk_test","session":"ses_1.x","cursor":"news*e1:5"}`)
			p.say(strings.Replace(hello, `"resumed":false`, `"resumed":true`, 1))
			p.say(`{"op":"subscribed","channel":"news","epoch":"e1","offset":5,"recovered":true}`)
			p.say(messageFrame("6"))
			p.gone()
		},
	}, "news", "--rewind", "3", "--count", "2")
	if got.code != exitOK || got.stdout != printed("5")+printed("6") {
		t.Errorf("exit code %d, printed\n%s", got.code, got.stdout)
	}
	if !strings.Contains(got.stderr, "again in") {
		t.Errorf("the break was not told: %q", got.stderr)
	}
}

// What was missed for good is told on standard error, and the position moves over it.
func TestSubscribeTellsGaps(t *testing.T) {
	got := follow(t, []func(*peer){
		func(p *peer) {
			p.hear()
			p.say(hello)
			p.hear()
			p.say(`{"op":"ok","ref":2,"channel":"news","epoch":"e1","offset":4}`)
			p.say(`{"op":"gap","channel":"news","reason":"evicted","from":5,"to":8,"epoch":"e2","offset":8}`)
			p.say(`{"op":"dropped","channel":"news","count":7}`)
			p.say(`{"op":"suspended","channel":"news","retry_after":1000}`)
			p.say(`{"op":"expiring","expires":1,"in":60000}`)
		},
		func(p *peer) {
			p.expect(`{"op":"connect","ref":1,"key":"hl_pk_test","session":"ses_1.x","cursor":"news*e2:8"}`)
			p.say(hello)
			p.say(messageFrame("9"))
			p.gone()
		},
	}, "news", "--count", "1")
	if got.code != exitOK || got.stdout != printed("9") {
		t.Errorf("exit code %d, printed\n%s", got.code, got.stdout)
	}
	for _, want := range []string{"gap in news: evicted", "e2:8", "7 messages of news were dropped", "suspended", "1m0s"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("did not tell %q:\n%s", want, got.stderr)
		}
	}
}

// Several channels, one connection; the second is new to the server when the first is not.
func TestSubscribeSeveralChannels(t *testing.T) {
	got := follow(t, []func(*peer){
		func(p *peer) {
			p.hear()
			p.say(hello)
			p.expect(`{"op":"subscribe","ref":2,"channel":"news"}`)
			p.expect(`{"op":"subscribe","ref":3,"channel":"a,b"}`)
			p.say(`{"op":"ok","ref":2,"channel":"news","epoch":"e1","offset":1}`)
		},
		func(p *peer) {
			p.expect(`{"op":"connect","ref":1,"key":"hl_pk_test","session":"ses_1.x","cursor":"news*e1:1"}`)
			p.say(hello)
			p.expect(`{"op":"subscribe","ref":3,"channel":"a,b"}`)
			p.say(messageFrame("2"))
			p.gone()
		},
	}, "news", "a,b", "--count", "1")
	if got.code != exitOK {
		t.Errorf("%+v", got)
	}
}

// The range of a code says what to do: stop, wait, or come back now.
func TestSubscribeHeedsCodes(t *testing.T) {
	const refusal = `{"op":"error","error":{"code":%,"name":"reason","message":"the server said so","docs":"/docs"}}`
	again := func(p *peer) {
		p.hear()
		p.say(hello)
		p.hear()
		p.say(messageFrame("1"))
		p.gone()
	}
	tests := []struct {
		name  string
		first func(p *peer)
		comes bool // comes back
	}{
		{"4009 at the start", func(p *peer) { p.hear(); p.say(strings.Replace(refusal, "%", "4009", 1)) }, false},
		{"4310 for the channel", func(p *peer) { p.hear(); p.say(hello); p.hear(); p.say(strings.Replace(refusal, "%", "4310", 1)) }, false},
		{"close 4016", func(p *peer) { p.hear(); p.say(hello); p.hear(); _ = p.socket.Close(4016, "the server said so") }, false},
		{"close 4100", func(p *peer) { p.hear(); p.say(hello); p.hear(); _ = p.socket.Close(4100, "") }, true},
		{"close 4201", func(p *peer) { p.hear(); p.say(hello); p.hear(); _ = p.socket.Close(4201, "") }, true},
		{"an end without a word", func(p *peer) { p.hear(); p.say(hello); p.hear() }, true},
		{"the channel taken away", func(p *peer) {
			p.hear()
			p.say(hello)
			p.hear()
			p.say(`{"op":"unsubscribed","channel":"news","error":{"code":4310,"name":"denied","message":"the server said so","docs":"/docs"}}`)
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scripts := []func(*peer){test.first}
			if test.comes {
				scripts = append(scripts, again)
			}
			got := follow(t, scripts, "news", "--count", "1")
			if test.comes && got.code != exitOK || !test.comes && (got.code != exitFailure || !strings.Contains(got.stderr, "the server said so")) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What a server that goes away says of coming back counts once: afterwards the waits grow as they do without a word.
func TestDrainIsHeededOnce(t *testing.T) {
	t.Parallel()
	f := &follower{drain: 2 * time.Millisecond}
	if wait, again := f.comeback(errors.New("draining")); wait != 2*time.Millisecond || !again {
		t.Errorf("waits %v, again %v", wait, again)
	}
	for range 5 {
		if _, again := f.comeback(errors.New("connection refused")); !again {
			t.Error("gives up")
		}
	}
	if f.drain != 0 || f.waits.tries != 5 {
		t.Errorf("drain %v, %d waits that grow", f.drain, f.waits.tries)
	}
}

func TestSubscribeComesBackWhenTold(t *testing.T) {
	var left time.Time
	follow(t, []func(*peer){
		func(p *peer) {
			p.hear()
			p.say(hello)
			p.hear()
			p.say(`{"op":"drain","reconnect_in":700}`)
			left = time.Now()
			_ = p.socket.Close(4200, "draining")
		},
		func(p *peer) {
			if waited := time.Since(left); waited < 700*time.Millisecond {
				t.Errorf("came back after %v, told to wait 700ms", waited)
			}
			p.hear()
			p.say(hello)
			p.hear()
			p.say(messageFrame("1"))
			p.gone()
		},
	}, "news", "--count", "1")
}

// A server that falls silent is taken for gone after ping + timeout.
func TestSubscribeLeavesSilence(t *testing.T) {
	got := follow(t, []func(*peer){
		func(p *peer) {
			p.hear()
			p.say(strings.Replace(hello, `"ping":25000,"timeout":10000`, `"ping":100,"timeout":50`, 1))
			p.hear()
			p.gone()
		},
		func(p *peer) {
			p.hear()
			p.say(hello)
			p.hear()
			p.say(messageFrame("1"))
			p.gone()
		},
	}, "news", "--count", "1")
	if got.code != exitOK {
		t.Errorf("%+v", got)
	}
}

func TestSubscribeRefusedAtTheDoor(t *testing.T) {
	t.Setenv("HALLEY_KEY", "hl_pk_test")
	url, requests := serveAnswers(t, answering(403, "", `{"error":{"code":4010,"name":"origin_denied","message":"not from there"}}`))
	got := execute("subscribe", "--url", url, "news")
	if got.code != exitFailure || len(requests()) != 1 {
		t.Errorf("%+v after %d tries", got, len(requests()))
	}
}

func FuzzFrame(f *testing.F) {
	for _, seed := range []string{hello, messageFrame("1"), `{}`, `[]`, `{"error":{"code":-1}}`, `{"offset":-1}`, `{"data":`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var read frame
		if json.Unmarshal([]byte(text), &read) == nil {
			f := follower{process: &process{stdout: new(strings.Builder), stderr: new(strings.Builder)}, positions: map[string]string{}}
			_, _ = f.handle(&read)
		}
	})
}
