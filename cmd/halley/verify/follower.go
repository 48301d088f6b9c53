package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"halley/cmd/halley/verify/history"
)

// follower subscribes to channels and comes back after each break, to another node, from where it was.
type follower struct {
	target    *Target
	recorder  *Recorder
	name      string
	channels  []string
	transport Transport
	presence  bool          // enter each channel, and watch who is there
	life      time.Duration // of a connection, about; then the follower drops it and comes back

	// Owned by run.
	node     string
	began    time.Duration              // when the present connection was begun
	resume   string                     // resume token of the session; empty: none
	public   string                     // public id of that session
	known    map[string]map[string]bool // by channel, who is a member as far as the follower was told
	drain    time.Duration              // for which the node asked to wait
	attached map[string]bool            // by channel, whether the present connection has got it
	stood    bool                       // the present connection got as far as connected
	gone     time.Duration              // when the last one that stood broke

	mu        sync.Mutex
	positions map[string]mark // guarded by mu: after what each channel goes on
}

// Transport is how a follower receives.
type Transport string

// The transports. Session is a WebSocket whose session is resumed; the others show a cursor alone; Roam takes another one each time.
const (
	Session   Transport = "session"
	WebSocket Transport = "websocket"
	SSE       Transport = "sse"
	Poll      Transport = "poll"
	Roam      Transport = "roam"
)

// Transports are all.
var Transports = []Transport{Session, WebSocket, SSE, Poll, Roam}

// Times of followers.
const (
	silence     = 4 * time.Second        // without a word: the connection is dead
	pingEvery   = time.Second            // so that there is a word
	comeback    = 200 * time.Millisecond // at most, before the next try
	pollWait    = 2 * time.Second
	sessionLife = 110 * time.Second // a session is kept for two minutes
)

// errLife is that the follower itself drops its connection.
var errLife = errors.New("enough")

// run follows until ctx ends.
func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		f.node = f.target.pick(f.node)
		f.began, f.drain = f.recorder.Now(), 0
		f.attached = make(map[string]bool)
		err := f.connection(ctx)
		if f.stood {
			f.gone, f.stood = f.recorder.Now(), false
		}
		if f.public != "" {
			f.recorder.Add(history.Event{Kind: history.Disconnected, Client: f.name, Session: f.public})
		}
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errLife) {
			f.recorder.Add(history.Event{
				Kind: history.Error, Client: f.name, Status: status(err), Reason: string(f.transport) + ": " + reason(err),
			})
		}
		sleep(ctx, f.drain+rand.N(comeback))
	}
}

// connection lives one connection and says why it ended.
func (f *follower) connection(ctx context.Context) error {
	life := f.life/2 + rand.N(f.life)
	transport := f.transport
	if transport == Roam {
		transport = []Transport{WebSocket, SSE, Poll}[rand.IntN(3)]
	}
	if transport == Session || transport == WebSocket {
		return f.socket(ctx, transport == Session, life)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, life, errLife)
	defer cancel()
	over := f.sse
	if transport == Poll {
		over = f.poll
	}
	err := over(ctx)
	if errors.Is(context.Cause(ctx), errLife) {
		return errLife
	}
	return err
}

// handle takes what a node said about a channel, and the errors that end a connection.
func (f *follower) handle(w frame) error {
	e := history.Event{Client: f.name, Channel: w.Channel, ID: w.ID, Epoch: w.Epoch, Offset: w.Offset}
	switch w.Op {
	case "subscribed":
		e.Kind, e.Began, e.Resumed = history.Attach, f.attaches(w.Channel), w.Recovered
		f.begin(w)
	case "message":
		e.Kind = history.Message
		f.move(w)
	case "gap":
		e.Kind, e.From, e.To, e.Reason = history.Gap, w.From, w.To, w.Reason
		f.move(w)
	case "suspended":
		e.Kind = history.Suspended
	case "presence":
		f.sees(w)
		return nil
	case "drain":
		f.drain = time.Duration(w.ReconnectIn) * time.Millisecond
		return nil
	case "error", "unsubscribed":
		return fmt.Errorf("%s %d %s", w.Op, w.Err.Code, w.Err.Name)
	default:
		return nil
	}
	f.recorder.Add(e)
	return nil
}

// attaches is when the follower began to get a channel: with its connection or, where the node itself brings a channel back that was
// suspended, now.
func (f *follower) attaches(channel string) time.Duration {
	if f.attached[channel] {
		return f.recorder.Now()
	}
	f.attached[channel] = true
	return f.began
}

// begin notes where a channel begins; one that was followed before stays where it is.
func (f *follower) begin(w frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.positions[w.Channel]; !ok {
		f.positions[w.Channel] = mark{w.Epoch, w.Offset}
	}
}

func (f *follower) move(w frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.positions[w.Channel] = mark{w.Epoch, w.Offset}
}

// at is where a channel is; ok is false before its first subscription.
func (f *follower) at(channel string) (m mark, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok = f.positions[channel]
	return m, ok
}

// cursor names the positions of all channels that have one: section 1 of the protocol.
func (f *follower) cursor() string {
	var items []string
	for _, channel := range f.channels {
		if m, ok := f.at(channel); ok {
			items = append(items, fmt.Sprintf("%s*%s:%d", channel, m.epoch, m.offset))
		}
	}
	return strings.Join(items, "~")
}

// sees takes what the node tells of the members of a channel.
func (f *follower) sees(w frame) {
	known := f.known[w.Channel]
	if known == nil {
		known = make(map[string]bool)
		f.known[w.Channel] = known
	}
	switch w.Action {
	case "enter":
		f.tell(history.MemberEnter, w.Channel, w.Member.Session, "")
		known[w.Member.Session] = true
	case "leave":
		f.tell(history.MemberLeave, w.Channel, w.Member.Session, "")
		delete(known, w.Member.Session)
	case "sync":
		f.syncs(w.Channel, known, w.Members)
	}
}

// syncs compares the whole set with what the follower knew: what changed has changed without a word.
func (f *follower) syncs(channel string, known map[string]bool, members []member) {
	there := make(map[string]bool, len(members))
	for _, m := range members {
		there[m.Session] = true
		if !known[m.Session] {
			f.tell(history.MemberEnter, channel, m.Session, "sync")
		}
	}
	for session := range known {
		if !there[session] {
			f.tell(history.MemberLeave, channel, session, "sync")
		}
	}
	f.known[channel] = there
}

func (f *follower) tell(kind history.Kind, channel, session, why string) {
	f.recorder.Add(history.Event{Kind: kind, Client: f.name, Channel: channel, Session: session, Reason: why})
}
