package session

import (
	"context"

	"halley/auth"
	"halley/pushnode/channel"
)

// Backend is what the transports and sessions ask of their node. pushnode.Node implements it. Every error that may reach a
// client is a *wire.Error; any other is an internal fault, logged by whoever meets it and shown as such.
type Backend interface {
	Gate
	Channels
	Records
	Elsewhere
	Pushers
	Conversations
	Hooks
}

// Gate decides who may come in and what they may do.
type Gate interface {
	// Authenticate verifies a key or token.
	Authenticate(ctx context.Context, credential string) (*auth.Grant, error)
	// App returns the live settings of an app; cheap enough for every command.
	App(appID string) (App, error)
	// Allow returns nil, or the *wire.Error that denies op on the channel. The name has been validated when it returns nil.
	Allow(grant *auth.Grant, op auth.Op, channelName string) error
	// Admit counts a new connection against the app's and the node's limits. comesBack says that its client was connected before, as far
	// as it tells. release must be called once when it ends.
	Admit(appID string, comesBack bool) (release func(), err error)
}

// App is what a session needs to know of its app.
type App struct {
	Origins               []string // allowed origins; empty: any
	MessageBytes          int
	ChannelsPerConnection int
	QueueBytes            int // of one connection
	Meter                 Meter
}

// Pushers knows the apps that clients of Pusher's may use, and their secrets, which do not come here.
type Pushers interface {
	// PusherApp returns what one of Pusher's keys stands for. The error is app_not_found where no app has it, or has it any more.
	PusherApp(key string) (PusherApp, error)
	// Signed reports whether a credential, KEY:HEX, is the signature of a text by one of the app's keys.
	Signed(appID, credential, text string) bool
}

// Hooks is told what apps may want to know and nobody else does. Its methods must not block.
type Hooks interface {
	// ClientEvent is told of an event that a client of Pusher's published.
	ClientEvent(id channel.ID, sent ClientEvent)
	// CacheMissed is told of a subscriber for whom a cache channel holds nothing.
	CacheMissed(id channel.ID)
}

// ClientEvent is an event of a client as its server is told of it.
type ClientEvent struct {
	Event    string
	Data     string // as it was sent
	SocketID string
	UserID   string // empty: not known
}

// PusherApp is what a socket of Pusher's needs to know of its app beside App.
type PusherApp struct {
	AppID              string
	ClientEvents       bool // clients may publish, on channels that take a signature
	SubscriptionCounts bool // subscribers are told how many there are
	EventBytes         int  // of the data of a client event
	Rewind             int  // so many of the last events are given to who subscribes: 0 to 100
}

// Meter counts what one app uses. Its methods are safe for concurrent use and cheap.
type Meter interface {
	Delivered(messages, bytes int)
	Received(bytes int)
}

// Channels reads and changes channels. Permissions are the caller's duty (Gate.Allow) unless a grant is an argument.
type Channels interface {
	// Follow says how many subscriptions a channel has on this node: from the first one on, what happens in it is to be handed to the
	// server. It is called in order for each channel, under a lock: it must not block, nor call the server.
	Follow(id channel.ID, subscriptions int)
	// Congested says that a subscriber of a channel of policy block cannot take more just now, and how many messages wait for the one that
	// has most: again and again while it is so, and with 0 when it is over. It is called under a lock: it must not block, nor call the
	// server.
	Congested(id channel.ID, queued int)
	// Rule returns the rule in force for the channel.
	Rule(id channel.ID) channel.Rule
	// Publish checks permission, limits and the block policy, and returns once the publication is acknowledged.
	Publish(ctx context.Context, grant *auth.Grant, publication Publish) (Published, error)
	// Backlog reads from the slot's leader what follows start: at most limit publications.
	Backlog(ctx context.Context, id channel.ID, start channel.Start, limit int) (channel.Backlog, error)
	// History checks permission and reads a page.
	History(ctx context.Context, grant *auth.Grant, name string, query channel.HistoryQuery) (channel.HistoryPage, error)
	// Subscribers is how many subscriptions a channel has in the whole cluster.
	Subscribers(ctx context.Context, id channel.ID) (int, error)
	// Members reads the presence set and its version.
	Members(ctx context.Context, id channel.ID) ([]channel.Member, uint64, error)
	// Present reads how many different clients are in the presence set, and its version.
	Present(ctx context.Context, id channel.ID) (clients int, version uint64, err error)
	// Enter and Leave change presence; they return the set's new version.
	Enter(ctx context.Context, enter channel.EnterPresence) (uint64, error)
	Leave(ctx context.Context, leave channel.LeavePresence) (uint64, error)
}

// Publish is one publication as a client asks for it. Data is compact, valid JSON.
type Publish struct {
	Channel  string
	ID       string // empty: the node mints one
	Event    string // empty: "message"
	Data     []byte
	Exclude  string
	ClientID string // of who publishes; empty: not known
}

// Published is where a publication stands.
type Published struct {
	ID        string
	Channel   string
	Position  channel.Position
	Copies    int
	Duplicate bool
}

// Records keeps the records of sessions in their slots.
type Records interface {
	Attach(ctx context.Context, attach channel.AttachSession) (record channel.Session, resumed bool, err error)
	Update(ctx context.Context, update channel.UpdateSession) error
	Detach(ctx context.Context, detach channel.DetachSession) error
	End(ctx context.Context, end channel.EndSession) error
}

// Elsewhere reaches the sessions that other nodes hold.
type Elsewhere interface {
	// Relay has the node that holds a session do commands for it, and returns the answer to their client. The error is
	// session_not_found where no node holds it.
	Relay(ctx context.Context, relay Relay) ([]byte, error)
}

// Conversations reaches those of Pusher's clients without a WebSocket that other nodes hold.
type Conversations interface {
	// FindConversation returns the node that holds a conversation. The error is session_not_found where none does that answers soon.
	FindConversation(ctx context.Context, name string) (node uint64, err error)
	// FetchElsewhere is Server.Fetch at another node.
	FetchElsewhere(ctx context.Context, node uint64, fetch Fetch) (Fetched, error)
	// HearElsewhere is Server.Hear at another node.
	HearElsewhere(ctx context.Context, node uint64, name string, body []byte) error
}
