package session

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/crew"
	"halley/pushnode/netpoll"
	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// Server holds the connections and sessions of a node. Its handlers (WebSocket, Events, Poll, Commands) are methods in the files
// of their transports.
type Server struct {
	// immutable after New
	config     Config
	backend    Backend
	logger     *slog.Logger
	metrics    *metrics
	hub        *hub
	watches    *watches
	sessions   *registry
	pending    *pending
	pipes      pipes          // of Pusher's clients without a WebSocket
	poller     netpoll.Poller // holds the sockets
	alarms     alarms
	crew       crew.Crew       // drives connections
	counts     *counts         // numbers of subscriptions that clients of Pusher's are told
	chores     *sessionQueue   // sessions that are to be dropped
	unsaved    *sessionQueue   // sessions whose record is to be written
	doubtful   *sessionQueue   // sessions whose credential is to be verified again
	undecided  *sessionQueue   // of them, those for whom that failed
	unrecorded *sessionQueue   // sessions whose record does not show yet that they have no connection
	base       context.Context // ends with Close: what runs without a request of its own
	stop       context.CancelFunc
	workers    sync.WaitGroup // the goroutines that run until base ends; Add only while one does

	mu sync.Mutex
	// guarded by mu
	refusing    *wire.Error                // why nobody is let in any more; nil: everybody is
	connections []*connection              // each knows its place
	awaited     map[*awaited]struct{}      // clients that have not said who they are
	attaching   map[channel.ID]*attachment // sessions whose record is being attached for a connection
	handlers    sync.WaitGroup             // requests that were let in; Add only under mu, while refusing is nil
}

// New returns a server that asks its backend. Close ends it.
func New(config Config, backend Backend) *Server {
	s := &Server{
		config: config.withDefaults(), backend: backend, sessions: newRegistry(),
		attaching: make(map[channel.ID]*attachment), awaited: make(map[*awaited]struct{}),
	}
	s.logger = s.config.Logger
	s.metrics = newMetrics(s.config.Registerer, s.queuedBytes, s.parkedSessions)
	s.hub = newHub(s.metrics, backend.Follow, backend.Congested)
	s.watches = newWatches(s.config.CommandTimeout, backend)
	s.pending = newPending(s.config.PendingPerIP)
	s.pipes = newPipes(s.config.AbsentPerIP)
	s.chores, s.unsaved, s.unrecorded = newSessionQueue(), newSessionQueue(), newSessionQueue()
	s.doubtful, s.undecided = newSessionQueue(), newSessionQueue()
	s.counts = newCounts()
	s.base, s.stop = context.WithCancel(context.Background())
	s.workers.Go(func() { s.keepHouse(s.base) })
	s.workers.Go(func() { s.hub.congestions.run(s.base) })
	s.workers.Go(func() { s.watches.run(s.base) })
	s.workers.Go(func() { s.keepEnds(s.base) })
	s.workers.Go(func() { s.keepRecords(s.base) })
	s.workers.Go(func() { s.recheckAll(s.base) })
	s.workers.Go(func() { s.keepCounts(s.base) })
	return s
}

// DeliverPresence hands a change of presence to all who watch the channel, in the order of its log. It never blocks on a client.
func (s *Server) DeliverPresence(changed channel.PresenceChanged) {
	defer s.recovered("presence") // who was not told misses a version, and is told the whole set with the next
	if _, online := pusher.OnlineOf(changed.Channel.Name); online {
		s.watches.deliver(changed)
		return
	}
	if e := s.hub.find(changed.Channel); e != nil {
		e.deliverPresence(changed)
	}
}

// Congestion says whether a subscriber of the channel on this node cannot take more just now, and how many messages wait for the one that has
// most; head is where the channel's log ends. Under policy block publishers are refused while it is so.
func (s *Server) Congestion(id channel.ID, head channel.Position) (queued int, full bool) {
	if e := s.hub.find(id); e != nil {
		return e.congestion(head)
	}
	return 0, false
}

// Connections is how many connections there are.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections)
}

// Occupancy is who follows a channel on this node.
type Occupancy struct {
	Subscribers int // sessions, those that may still come back included
	Connections int // of them, those that are connected
}

// Occupancy counts who follows the channel here.
func (s *Server) Occupancy(id channel.ID) Occupancy {
	e := s.hub.find(id)
	if e == nil {
		return Occupancy{}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return Occupancy{Subscribers: len(e.subs), Connections: e.attached}
}

// Followed returns the names of an app's channels that somebody follows here and that begin with prefix, in no order.
func (s *Server) Followed(app, prefix string) []string {
	var names []string
	for e := range s.hub.entries(app) {
		if strings.HasPrefix(e.id.Name, prefix) {
			names = append(names, e.id.Name)
		}
	}
	return names
}

// Ended says that the record of a session is gone: it cannot come back, and its connection, if it has one, is closed. It never
// blocks on a client.
func (s *Server) Ended(app, session string) {
	if ended := s.sessions.find(channel.ID{App: app, Name: session}); ended != nil {
		ended.mu.Lock()
		ended.recordGone = true
		ended.mu.Unlock()
		s.chores.add(ended)
	}
}

// Disconnect ends the sessions of a client id, those that signed in as that user among them, or (where clientID is empty) one session, with a reason for their clients. It
// returns the ids of those that were on this node. They end whether or not the caller waits for it.
func (s *Server) Disconnect(ctx context.Context, app, clientID, session string, reason *wire.Error) (ended []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.CommandTimeout)
	defer cancel()
	for _, one := range s.sessions.of(app) {
		if clientID != "" && !one.isOf(clientID) || clientID == "" && one.id != session || one.isEnded() {
			continue
		}
		ended = append(ended, one.id)
		if conn := one.end(reason); conn != nil {
			conn.close(reason)
		}
		s.endRecord(ctx, one)
	}
	return ended
}

// endRecord ends a session for good. What cannot be recorded within ctx is recorded later.
func (s *Server) endRecord(ctx context.Context, session *Session) {
	session.mu.Lock()
	session.ended = true
	session.mu.Unlock()
	s.chores.add(session)
	s.recordEnd(ctx, session)
}

// Drain lets nobody in any more, tells every connection when to come back, so spread that they do not come all at once, closes
// them with 4200 and waits until they are gone or ctx ends.
func (s *Server) Drain(ctx context.Context) error {
	draining := wire.NewError(wire.CodeDraining)
	leaving, strangers := s.refuse(draining)
	told, untold := divide(leaving)
	for i, conn := range told {
		conn.close(draining.After(s.comeBack(i, len(told))))
	}
	for i, stranger := range strangers {
		stranger.refuseSoon(draining.After(s.comeBack(i, len(strangers))))
	}
	s.closeSpread(ctx, untold, draining)
	return s.wait(ctx)
}

// divide tells connections that can be told when to come back from those of Pusher's, whose protocol cannot: they come back at once.
func divide(connections []*connection) (told, untold []*connection) {
	for _, conn := range connections {
		if conn.pusher == nil {
			told = append(told, conn)
		} else {
			untold = append(untold, conn)
		}
	}
	return told, untold
}

// closeSpread closes connections one after the other, as the others come back, within half of the time that ctx leaves.
func (s *Server) closeSpread(ctx context.Context, connections []*connection, reason *wire.Error) {
	begun, hurry := time.Now(), 1.0
	if end, bounded := ctx.Deadline(); bounded && len(connections) > 0 {
		hurry = min(1, float64(time.Until(end)/2)/float64(s.comeBack(len(connections)-1, len(connections))))
	}
	for i, conn := range connections {
		wait := time.Duration(hurry * float64(s.comeBack(i, len(connections))))
		select {
		case <-time.After(time.Until(begun.Add(wait))):
		case <-ctx.Done():
		}
		conn.close(reason)
	}
}

// drainRate is how many clients a second are told to come back, where DrainSpread is long enough for that.
const drainRate = 500

// comeBack spreads n clients evenly over time: the i-th waits so long.
func (s *Server) comeBack(i, n int) time.Duration {
	spread := min(time.Duration(n)*time.Second/drainRate, s.config.DrainSpread)
	return time.Duration(float64(spread) * float64(i+1) / float64(n))
}

// Close drains what is still connected, and ends the server's goroutines. Clients that take too long are cut off.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.config.WriteTimeout+s.config.CloseTimeout)
	defer cancel()
	err := s.Drain(ctx)
	s.stop()
	for _, conn := range s.connected() {
		conn.cut()
	}
	s.handlers.Wait()
	s.workers.Wait()
	s.poller.Close()
	s.crew.Close()
	s.alarms.stop()
	return err
}

// refuse lets nobody in any more, and returns who is connected, and who is about to be.
func (s *Server) refuse(reason *wire.Error) ([]*connection, []*awaited) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusing == nil {
		s.refusing = reason
	}
	return s.connectedLocked(), slices.Collect(maps.Keys(s.awaited))
}

// awaits notes a client that has not said who it is. A server that is being drained does not wait for it.
func (s *Server) awaits(one *awaited) {
	s.mu.Lock()
	s.awaited[one] = struct{}{}
	refusing := s.refusing
	s.mu.Unlock()
	if refusing != nil {
		one.refuseSoon(refusing)
	}
}

func (s *Server) awaitsNoMore(one *awaited) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.awaited, one)
}

// connected is a copy of the connections.
func (s *Server) connected() []*connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connectedLocked()
}

func (s *Server) connectedLocked() []*connection { return slices.Clone(s.connections) }

func (s *Server) wait(ctx context.Context) error {
	done := make(chan struct{})
	s.workers.Go(func() {
		s.handlers.Wait()
		close(done)
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter counts a request that Close waits for. leave must be called when it ends.
func (s *Server) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusing != nil {
		return s.refusing
	}
	s.handlers.Add(1)
	return nil
}

func (s *Server) leave() { s.handlers.Done() }

// isRefusing reports whether nobody is let in any more.
func (s *Server) isRefusing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusing != nil
}

// opened counts a connection. A server that is being drained closes it at once.
func (s *Server) opened(conn *connection) {
	s.mu.Lock()
	conn.place = len(s.connections)
	s.connections = append(s.connections, conn)
	refusing := s.refusing
	s.mu.Unlock()
	conn.metrics.connections.Inc()
	if refusing != nil {
		conn.close(refusing)
	}
}

func (s *Server) gone(conn *connection, reason *wire.Error) {
	s.mu.Lock()
	last := s.connections[len(s.connections)-1]
	s.connections[conn.place], last.place = last, conn.place
	s.connections[len(s.connections)-1] = nil
	s.connections = s.connections[:len(s.connections)-1]
	s.mu.Unlock()
	conn.metrics.connections.Dec()
	s.metrics.ended(reason)
}

// recovered keeps a panic in one connection from ending the process. It is for defer.
func (s *Server) recovered(operation string) {
	if fault := recover(); fault != nil {
		s.panicked(operation, fault)
	}
}

// aborts is recovered for a handler: the client gets no answer that looks whole.
func (s *Server) aborts(operation string) {
	if fault := recover(); fault != nil {
		s.panicked(operation, fault)
		panic(http.ErrAbortHandler)
	}
}

func (s *Server) panicked(operation string, fault any) {
	s.metrics.panics.Inc()
	s.logger.Error("panic in a connection", "operation", operation, "panic", fault, "stack", string(debug.Stack()))
}

func (s *Server) queuedBytes() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for _, conn := range s.connections {
		_, bytes := conn.outbox.queued()
		total += bytes
	}
	return float64(total)
}

func (s *Server) parkedSessions() float64 {
	parked := 0
	for _, session := range s.sessions.all() {
		if session.connection() == nil {
			parked++
		}
	}
	return float64(parked)
}
