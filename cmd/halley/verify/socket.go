package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"

	"halley/cmd/halley/verify/history"
)

// endOneIn is how often a follower that drops its connection ends its session for good.
const endOneIn = 5

// closeWait is for the node to take the end of a session.
const closeWait = 500 * time.Millisecond

// maxFrame bounds a frame, in bytes.
const maxFrame = 16 << 20

// socket receives over a WebSocket, in the same session again or in a new one each time.
func (f *follower) socket(ctx context.Context, keep bool, life time.Duration) error {
	query := url.Values{}
	asked := keep && f.resume != ""
	if asked {
		query.Set("session", f.resume)
	}
	if cursor := f.cursor(); cursor != "" {
		query.Set("cursor", cursor)
	}
	header := http.Header{}
	f.target.authorize(header)
	dialing, cancel := context.WithTimeout(ctx, tryPatience)
	defer cancel()
	socket, response, err := websocket.Dial(dialing, "ws"+strings.TrimPrefix(f.node, "http")+"/v1/ws?"+query.Encode(),
		&websocket.DialOptions{HTTPClient: f.target.client, HTTPHeader: header})
	if err != nil {
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			return newRefusal(response.StatusCode, nil)
		}
		return err
	}
	defer socket.CloseNow()
	socket.SetReadLimit(maxFrame)
	s := &conversation{follower: f, socket: socket, keep: keep}
	if err := s.greet(dialing, asked); err != nil {
		return err
	}
	return s.listen(ctx, life)
}

// conversation is one WebSocket of a follower.
type conversation struct {
	*follower
	socket *websocket.Conn
	keep   bool
	refs   []command   // that were said with a ref, which is their place and one
	over   atomic.Bool // the follower itself has dropped the connection
}

// greet waits for the first frame and subscribes to what the node cannot know.
func (s *conversation) greet(ctx context.Context, asked bool) error {
	hello, err := s.read(ctx)
	if err != nil {
		return err
	}
	if hello.Op != "connected" {
		return errors.Join(fmt.Errorf("%s instead of connected", hello.Op), s.handle(hello))
	}
	s.stood = true
	resumed := asked && hello.Resumed
	if s.keep {
		s.renewed(hello, asked && !hello.Resumed && s.recorder.Now()-s.gone < sessionLife)
	}
	for _, channel := range s.channels {
		if _, known := s.at(channel); known && (resumed || !s.presence) {
			continue // the node says subscribed by itself
		}
		if err := s.say(ctx, command{Op: "subscribe", Channel: channel, Presence: s.presence}); err != nil {
			return err
		}
		if !s.presence {
			continue
		}
		if err := s.say(ctx, command{Op: "enter", Channel: channel, Data: map[string]int{"n": rand.IntN(10)}}); err != nil {
			return err
		}
	}
	return nil
}

// renewed notes the session that the node has given.
func (s *conversation) renewed(hello frame, lost bool) {
	if lost {
		s.recorder.Add(history.Event{Kind: history.Connected, Client: s.name, Session: s.public, Lost: true})
	}
	s.resume, s.public = hello.Resume, hello.Session
	s.recorder.Add(history.Event{Kind: history.Connected, Client: s.name, Session: s.public, Resumed: hello.Resumed})
}

// say sends a command that is to be answered.
func (s *conversation) say(ctx context.Context, c command) error {
	s.refs = append(s.refs, c)
	c.Ref = len(s.refs)
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.socket.Write(ctx, websocket.MessageText, text)
}

func (s *conversation) read(ctx context.Context) (frame, error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	_, text, err := s.socket.Read(ctx)
	if err != nil {
		return frame{}, err
	}
	return decode(text)
}

// listen takes frames until the connection breaks or its life is over.
func (s *conversation) listen(ctx context.Context, life time.Duration) error {
	talking, stop := context.WithCancel(ctx)
	var talk sync.WaitGroup
	defer talk.Wait()
	defer stop()
	talk.Go(func() { s.talk(talking, life) })
	for {
		got, err := s.read(ctx)
		switch {
		case s.over.Load() && err != nil:
			return errLife
		case err != nil:
			return err
		}
		if err := s.take(got); err != nil {
			return err
		}
	}
}

// talk pings, so that there is something to hear, and goes when the life of the connection is over: most just drop it, some of those
// that are members end their session.
func (s *conversation) talk(ctx context.Context, life time.Duration) {
	for end := time.Now().Add(life); time.Now().Before(end); {
		if !sleep(ctx, pingEvery) {
			return
		}
		// A write that fails shows in the next read.
		_ = s.socket.Write(ctx, websocket.MessageText, []byte(`{"op":"ping","ref":1000000}`))
	}
	s.over.Store(true)
	if s.presence && rand.IntN(endOneIn) == 0 {
		s.recorder.Add(history.Event{Kind: history.Ended, Client: s.name, Session: s.public})
		_ = s.socket.Write(ctx, websocket.MessageText, []byte(`{"op":"close"}`))
		s.resume = ""
		sleep(ctx, closeWait) // the node closes by itself
	}
	_ = s.socket.CloseNow()
}

// take handles a frame: an answer by what it answers.
func (s *conversation) take(got frame) error {
	if got.Ref == 0 || got.Ref > len(s.refs) {
		return s.handle(got)
	}
	c := s.refs[got.Ref-1]
	if got.Op == "error" {
		return fmt.Errorf("%s: %d %s", c.Op, got.Err.Code, got.Err.Name)
	}
	got.Channel = c.Channel
	switch c.Op {
	case "subscribe":
		if got.Presence != nil {
			s.sees(frame{Channel: c.Channel, Action: "sync", Members: got.Presence.Members})
		}
		got.Op = "subscribed"
		return s.handle(got)
	case "enter":
		s.recorder.Add(history.Event{Kind: history.Entered, Client: s.name, Session: s.public, Channel: c.Channel})
	}
	return nil
}
