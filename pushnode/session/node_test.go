package session_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/pusher"
	"halley/pushnode/session"
	"halley/pushnode/wire"
)

const testApp = "app_test"

// node is the backend of the tests: real channel state, applied command by command, whose effects reach the server in their order
// and on another goroutine, as in a node.
type node struct {
	server *session.Server
	meter  meter
	places atomic.Int64 // of connections that were admitted and have not left

	mu sync.Mutex
	// guarded by mu
	state      *channel.State
	grants     map[string]*auth.Grant
	app        session.App
	rule       channel.Rule
	strangers  int                        // who follow each channel elsewhere
	members    int                        // that a channel may have
	denied     []string                   // op:channel prefixes that nobody may
	failing    error                      // what reading channels answers; nil: it works
	refused    error                      // what Admit answers; nil: everybody is admitted
	unread     error                      // what reading history answers; nil: it works
	looked     int                        // how many publications were read from history
	panics     bool                       // reading channels panics
	unkept     error                      // what writing records answers; nil: it works
	mute       func(channel.Command) bool // whether writing that record gets no answer; nil: none
	unattached error                      // what attaching records answers; nil: it works
	after      func(what string)          // called, without the lock, when members were read ("members"), a record was attached ("attach") or a rule was asked for ("rule")
	held       bool                       // nothing is delivered
	lose       func(channel.Effect) bool
	effects    []channel.Effect
	stopped    bool
	unentered  error     // what Enter answers; nil: it works
	unsure     bool      // the outcome of Enter is not known, as slots.propose says it
	changed    sync.Cond // effects, held or stopped
	done       chan struct{}
	pushers    map[string]session.PusherApp // by key; the secret of a key is "secret of " and it
	neighbour  *node                        // the other node; nil: there is none
	looks      func()                       // called, without the lock, for each conversation that is looked for; nil: nothing
	cutOff     error                        // what fetching there answers; nil: it works
	congested  sync.Map                     // how many messages wait, by channel, as it was told last
}

// meter counts what was delivered.
type meter struct {
	mu       sync.Mutex
	messages int
	received int
}

func (m *meter) Delivered(messages, _ int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages += messages
}

func (m *meter) Received(bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.received += bytes
}

func (m *meter) delivered() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.messages
}

func newNode() *node {
	n := &node{
		state:   channel.NewState(7),
		grants:  map[string]*auth.Grant{"hl_pk_a": {Kind: auth.KindPublishable, AppID: testApp}},
		app:     session.App{MessageBytes: 64 << 10, ChannelsPerConnection: 20, QueueBytes: 1 << 20},
		rule:    channel.Rule{Policy: channel.PolicyResume, Retention: channel.DefaultRetention},
		done:    make(chan struct{}),
		members: 1000,
		pushers: map[string]session.PusherApp{"abc": {AppID: testApp, ClientEvents: true, EventBytes: 10 << 10}},
	}
	n.app.Meter = &n.meter
	n.changed.L = &n.mu
	return n
}

// more reports whether something waits to be delivered.
func (n *node) more() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.held && len(n.effects) > 0
}

// deliver hands effects to the server until the node is stopped.
func (n *node) deliver() {
	defer close(n.done)
	delivery := n.server.NewDelivery()
	for {
		n.mu.Lock()
		for !n.stopped && (n.held || len(n.effects) == 0) {
			n.changed.Wait()
		}
		if n.stopped {
			n.mu.Unlock()
			return
		}
		effect := n.effects[0]
		n.effects = n.effects[1:]
		lost := n.lose != nil && n.lose(effect)
		n.mu.Unlock()
		if lost {
			continue
		}
		switch effect := effect.(type) {
		case channel.Published:
			delivery.Publish(effect)
			if !n.more() {
				delivery.Flush()
			}
		case channel.PresenceChanged:
			n.server.DeliverPresence(effect)
		case channel.SessionEnded:
			n.server.Ended(effect.App, effect.Session)
		case channel.PresenceDue:
			n.clear(effect)
		}
	}
}

// Follow is the backend's: everything is handed to the server anyway.
func (n *node) Follow(channel.ID, int) {}

// Congested is Backend: it remembers what was said last.
func (n *node) Congested(id channel.ID, queued int) {
	n.congested.Store(id.Name, queued)
}

func (n *node) clear(due channel.PresenceDue) {
	for _, name := range due.Channels {
		n.apply(channel.LeavePresence{
			Channel: channel.ID{App: due.App, Name: name}, ClientID: cmp.Or(due.ClientID, due.Session), Session: due.Session, Generation: due.Generation,
		})
	}
	n.apply(channel.PresenceCleared{App: due.App, Session: due.Session, Generation: due.Generation, Channels: due.Channels})
}

func (n *node) stop() {
	n.set(func() { n.stopped = true })
	<-n.done
}

// set changes what is guarded by mu.
func (n *node) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
	n.changed.Broadcast()
}

func (n *node) apply(command channel.Command) channel.Result {
	n.mu.Lock()
	defer n.mu.Unlock()
	results, effects := n.state.Apply(time.Now().UnixMilli(), []channel.Command{command})
	n.effects = append(n.effects, effects...)
	n.changed.Broadcast()
	return results[0]
}

// tick moves the state's clock.
func (n *node) tick() { n.apply(channel.Advance{}) }

// publish publishes text as a JSON string and returns its position.
func (n *node) publish(tb testing.TB, name, text string) channel.Position {
	tb.Helper()
	published, err := n.Publish(context.Background(), &auth.Grant{AppID: testApp}, session.Publish{Channel: name, Data: []byte(`"` + text + `"`)})
	if err != nil {
		tb.Fatalf("publish: %v", err)
	}
	return published.Position
}

// publishData publishes an event with data.
func (n *node) publishData(tb testing.TB, name, event, data string) {
	tb.Helper()
	n.publishAs(tb, session.Publish{Channel: name, Event: event, Data: []byte(data)})
}

// publishBut publishes text as a JSON string to all but one session.
func (n *node) publishBut(tb testing.TB, name, text, exclude string) {
	tb.Helper()
	n.publishAs(tb, session.Publish{Channel: name, Data: []byte(`"` + text + `"`), Exclude: exclude})
}

func (n *node) publishAs(tb testing.TB, publish session.Publish) {
	tb.Helper()
	if _, err := n.Publish(context.Background(), &auth.Grant{AppID: testApp}, publish); err != nil {
		tb.Fatalf("publish: %v", err)
	}
}

func (n *node) record(id string) (channel.Session, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.Session(testApp, id)
}

func (n *node) Authenticate(_ context.Context, credential string) (*auth.Grant, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing != nil && credential != "" {
		return nil, n.failing
	}
	grant, known := n.grants[credential]
	if !known {
		return nil, wire.NewError(wire.CodeUnauthorized)
	}
	if !grant.ExpiresAt.IsZero() && !time.Now().Before(grant.ExpiresAt) {
		return nil, wire.NewError(wire.CodeTokenExpired)
	}
	return grant, nil
}

func (n *node) App(appID string) (session.App, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if appID != testApp {
		return session.App{}, wire.NewError(wire.CodeAppNotFound)
	}
	return n.app, nil
}

var opNames = map[auth.Op]string{
	auth.OpSubscribe: "subscribe", auth.OpPublish: "publish", auth.OpPresence: "presence", auth.OpHistory: "history",
}

func (n *node) Allow(_ *auth.Grant, op auth.Op, name string) error {
	if fault := wire.ValidChannel(name); fault != nil {
		return fault
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, denied := range n.denied {
		if strings.HasPrefix(opNames[op]+":"+name, denied) {
			return wire.NewError(wire.CodeDenied)
		}
	}
	return nil
}

func (n *node) Admit(string, bool) (func(), error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refused != nil {
		return nil, n.refused
	}
	n.places.Add(1)
	return func() { n.places.Add(-1) }, nil
}

func (n *node) Rule(channel.ID) channel.Rule {
	defer n.happened("rule")
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rule
}

func (n *node) Publish(_ context.Context, grant *auth.Grant, p session.Publish) (session.Published, error) {
	if err := n.Allow(grant, auth.OpPublish, p.Channel); err != nil {
		return session.Published{}, err
	}
	id := channel.ID{App: testApp, Name: p.Channel}
	if _, full := n.congestion(id); full && n.Rule(id).Policy == channel.PolicyBlock {
		return session.Published{}, wire.NewError(wire.CodeQueueFull)
	}
	if p.ID == "" {
		p.ID = auth.NewID("msg_")
	}
	result := n.apply(channel.Publish{
		Channel: id, ID: p.ID, Event: p.Event, Data: p.Data, Exclude: p.Exclude, ClientID: p.ClientID, Retention: n.Rule(id).Retention,
	})
	return session.Published{ID: p.ID, Channel: p.Channel, Position: result.Position, Copies: 1, Duplicate: result.Duplicate}, nil
}

// congestion asks the server, as a node does before a publication under policy block.
func (n *node) congestion(id channel.ID) (queued int, full bool) {
	n.mu.Lock()
	info, _ := n.state.Info(id)
	n.mu.Unlock()
	return n.server.Congestion(id, info.Position)
}

func (n *node) Backlog(_ context.Context, id channel.ID, start channel.Start, limit int) (channel.Backlog, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer func() { n.mu.Unlock(); n.happened("backlog " + id.Name); n.mu.Lock() }()
	if n.panics {
		panic("the tests want it so")
	}
	if err := cmp.Or(n.failing, n.unread); err != nil {
		return channel.Backlog{}, err
	}
	return n.state.Backlog(id, start, limit), nil
}

func (n *node) History(_ context.Context, grant *auth.Grant, name string, query channel.HistoryQuery) (channel.HistoryPage, error) {
	if err := n.Allow(grant, auth.OpHistory, name); err != nil {
		return channel.HistoryPage{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	page := n.state.History(channel.ID{App: testApp, Name: name}, query)
	n.looked += len(page.Publications)
	return page, nil
}

func (n *node) Members(_ context.Context, id channel.ID) ([]channel.Member, uint64, error) {
	defer n.happened("members")
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing != nil {
		return nil, 0, n.failing
	}
	members, version := n.state.Members(id)
	return slices.Clone(members), version, nil
}

// Subscribers implements session.Backend: there are no other nodes, but for the strangers that a test has follow everything.
// ClientEvent is Hooks: nobody wants to know.
func (n *node) ClientEvent(channel.ID, session.ClientEvent) {}

// CacheMissed is Hooks.
func (n *node) CacheMissed(channel.ID) {}

func (n *node) Subscribers(_ context.Context, id channel.ID) (int, error) {
	n.mu.Lock()
	failing, strangers := n.failing, n.strangers
	n.mu.Unlock()
	return n.server.Occupancy(id).Subscribers + strangers, failing
}

func (n *node) Present(_ context.Context, id channel.ID) (int, uint64, error) {
	defer n.happened("present")
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing != nil {
		return 0, 0, n.failing
	}
	info, _ := n.state.Info(id)
	return info.Users, info.Version, nil
}

func (n *node) happened(what string) {
	n.mu.Lock()
	after := n.after
	n.mu.Unlock()
	if after != nil {
		after(what)
	}
}

func (n *node) mayEnter() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.unentered
}

func (n *node) Enter(_ context.Context, enter channel.EnterPresence) (uint64, error) {
	if err := n.mayEnter(); err != nil {
		return 0, err
	}
	enter.Max = n.members
	result := n.apply(enter)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.unsure {
		return 0, context.DeadlineExceeded
	}
	return result.Version, asWire(result.Err)
}

func (n *node) Leave(_ context.Context, leave channel.LeavePresence) (uint64, error) {
	result := n.apply(leave)
	return result.Version, asWire(result.Err)
}

func (n *node) Attach(_ context.Context, attach channel.AttachSession) (channel.Session, bool, error) {
	n.mu.Lock()
	refused := n.unattached
	n.mu.Unlock()
	if refused != nil {
		return channel.Session{}, false, refused
	}
	result := n.apply(attach)
	n.happened("attach")
	return result.Session, result.Resumed, asWire(result.Err)
}

func (n *node) Update(ctx context.Context, update channel.UpdateSession) error {
	return n.keep(ctx, update)
}
func (n *node) Detach(ctx context.Context, detach channel.DetachSession) error {
	return n.keep(ctx, detach)
}
func (n *node) End(ctx context.Context, end channel.EndSession) error { return n.keep(ctx, end) }

// keep changes a record, as a node does: not at all where the context has ended (slots.propose).
func (n *node) keep(ctx context.Context, command channel.Command) error {
	n.mu.Lock()
	unkept, mute := n.unkept, n.mute
	n.mu.Unlock()
	if unkept != nil {
		return unkept
	}
	if mute != nil && mute(command) {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return asWire(n.apply(command).Err)
}

func asWire(err error) error {
	switch {
	case errors.Is(err, channel.ErrNoSession), errors.Is(err, channel.ErrGeneration):
		return wire.NewError(wire.CodeSessionNotFound).Because(err)
	case errors.Is(err, channel.ErrPresenceFull):
		return wire.NewError(wire.CodePresenceFull).Because(err)
	}
	return err
}

// PusherApp implements session.Backend.
func (n *node) PusherApp(key string) (session.PusherApp, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	app, known := n.pushers[key]
	if !known {
		return session.PusherApp{}, wire.NewError(wire.CodeAppNotFound)
	}
	return app, nil
}

// Signed implements session.Backend.
func (n *node) Signed(appID, credential, text string) bool {
	key := pusher.KeyOf(credential)
	app, err := n.PusherApp(key)
	return err == nil && app.AppID == appID && pusher.Verify(credential, key, "secret of "+key, text)
}

// FindConversation implements session.Backend: that of neighbour, where there is one.
func (n *node) FindConversation(_ context.Context, name string) (uint64, error) {
	n.mu.Lock()
	looks := n.looks
	n.mu.Unlock()
	if looks != nil {
		looks()
	}
	if n.neighbour == nil || !n.neighbour.server.HoldsConversation(name) {
		return 0, wire.NewError(wire.CodeSessionNotFound)
	}
	return 2, nil
}

// FetchElsewhere implements session.Backend.
func (n *node) FetchElsewhere(ctx context.Context, _ uint64, fetch session.Fetch) (session.Fetched, error) {
	n.mu.Lock()
	err := n.cutOff
	n.mu.Unlock()
	if err != nil {
		return session.Fetched{}, err
	}
	return n.neighbour.server.Fetch(ctx, fetch)
}

// HearElsewhere implements session.Backend.
func (n *node) HearElsewhere(ctx context.Context, _ uint64, name string, body []byte) error {
	return n.neighbour.server.Hear(ctx, name, body)
}

// Relay implements session.Backend: there are no other nodes.
func (n *node) Relay(context.Context, session.Relay) ([]byte, error) {
	return nil, wire.NewError(wire.CodeSessionNotFound)
}
