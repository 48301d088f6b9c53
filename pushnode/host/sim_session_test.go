package host_test

import (
	"fmt"
	"slices"

	"halley/pushnode/channel"
	"halley/pushnode/host"
)

// member is a client with a session, which wants to be a member of one channel's presence: it comes and goes, and loses its node.
type member struct {
	w       *world
	name    string
	room    channel.ID
	session string // the present one
	opened  int    // sessions so far
	life    int    // of the connection: rises with each one, and with each end of one
	at      *node  // where it is connected; nil: away
	held    *attachment
	entered bool   // the present session was told that it is a member
	data    string // that it entered with last
	doubt   bool   // whether data was stored is not known
	gone    bool   // for good
	away    absence
}

// absence is a time without a connection.
type absence struct {
	from  moment
	until moment // when the session was attached again; 0: it lasts
	lost  bool   // the node died: the grace is the longer one
}

// known is a session that there was, for who has to judge a presence event.
type known struct {
	member     *member
	generation uint64 // the highest that an attach was answered with
	owed       bool   // an absence went on for so long that a leave may come
	detached   moment // its edge was told that it counts as without a connection
	left       moment // the client gave the session up, or left its channel; 0: not
}

const (
	ownGrace  = 15 * second
	lostGrace = 60 * second
)

func (m *member) grace() moment {
	if m.away.lost {
		return lostGrace
	}
	return ownGrace
}

// connect attaches the session at some node, or opens another one.
func (m *member) connect() {
	if m.gone || m.at != nil {
		return
	}
	n := m.w.anyNode()
	if n == nil {
		m.w.after(m.w.between(50*millisecond, 500*millisecond), m.connect)
		return
	}
	m.life++
	m.at = n
	create := m.session == ""
	if create {
		m.opened++
		m.session, m.entered = fmt.Sprint(m.name, "-", m.opened), false
		m.w.sessions[m.session] = &known{member: m}
	}
	m.attach(n, m.life, create)
}

func (m *member) attach(n *node, life int, create bool) {
	command := channel.AttachSession{
		App: m.room.App, Session: m.session, ClientID: m.name, Edge: n.instance, Create: create, Attempt: m.w.chance.Uint64()>>1 + 1,
	}
	session := m.session
	m.w.propose(n, n.host.SlotOf(m.room.App, session), command, n.clock()+3000, func(reply host.Reply) {
		switch {
		case (m.life != life || m.at != n) && reply.Err == nil: // its client is gone meanwhile
			n.edge.detach(&attachment{edge: &n.edge, member: m, session: session, generation: reply.Result.Session.Generation})
		case m.life != life || m.at != n:
		case reply.Err == channel.ErrNoSession:
			m.forget()
			m.hangUp(0)
		case reply.Err != nil && create:
			m.forget() // it never heard of the session that there may be
			m.hangUp(m.w.between(10*millisecond, second))
		case reply.Err != nil:
			m.hangUp(m.w.between(10*millisecond, second))
		case !reply.Result.Session.Attached:
			m.attach(n, life, false)
		default:
			m.attached(n, life, reply.Result.Session.Generation)
		}
	})
}

// forget gives the session up.
func (m *member) forget() {
	m.w.sessions[m.session].left = m.w.now
	m.session, m.entered = "", false
}

// attached is called when the session is this connection's.
func (m *member) attached(n *node, life int, generation uint64) {
	m.w.checkAttached(m, generation)
	m.held = n.edge.hold(m, generation)
	if m.held == nil {
		m.hangUp(0) // it was taken away meanwhile
		return
	}
	m.away.until, m.entered = m.w.now, false
	m.follow(life)
}

// follow records what the session is a member of, and enters.
func (m *member) follow(life int) {
	update := channel.UpdateSession{
		App: m.room.App, Session: m.session, Generation: m.held.generation, Presence: []string{m.room.Name},
		Channels: []channel.Subscription{{Channel: m.room.Name, Presence: true}},
	}
	m.ask(life, m.session, update, func(channel.Result) { m.enter(life, m.data) })
}

func (m *member) enter(life int, data string) {
	command := channel.EnterPresence{
		Channel: m.room, ClientID: m.name, Session: m.session, Generation: m.held.generation, Data: []byte(data),
		Attempt: m.w.chance.Uint64()>>1 + 1,
	}
	m.doubt, m.data = true, data
	m.ask(life, m.room.Name, command, func(result channel.Result) {
		m.w.acks(m.room, channel.Position{}, result.Version)
		m.entered, m.doubt = true, false
		m.w.sessions[m.session].owed = false
	})
}

// ask proposes until it is done, as long as the connection lives.
func (m *member) ask(life int, name string, command channel.Command, then func(channel.Result)) {
	n := m.at
	m.w.propose(n, n.host.SlotOf(m.room.App, name), command, n.clock()+3000, func(reply host.Reply) {
		switch {
		case m.life != life || m.at != n:
		case reply.Err == channel.ErrGeneration || reply.Err == channel.ErrNoSession:
			m.hangUp(m.w.between(0, second))
		case reply.Err != nil:
			m.w.after(m.w.between(10*millisecond, 500*millisecond), func() {
				if m.life == life && m.at == n {
					m.ask(life, name, command, then)
				}
			})
		default:
			then(reply.Result)
		}
	})
}

// hangUp ends the connection from the client's side; the edge, if it lives, detaches the session. It comes back after a while.
func (m *member) hangUp(wait moment) {
	if m.held != nil {
		held := m.held
		held.edge.n.do(func() { held.edge.closed(held) })
	}
	m.broken(false)
	m.w.after(wait, m.connect)
}

// broken takes note that there is no connection any more.
func (m *member) broken(lost bool) {
	if m.held != nil {
		m.away = absence{from: m.w.now, lost: lost}
	}
	m.life++
	m.at, m.held = nil, nil
}

// nodeDied has the client come back elsewhere: most do so at once.
func (m *member) nodeDied() {
	m.broken(true)
	m.w.after(pick(m.w.timeline, []moment{
		m.w.between(0, second), m.w.between(0, second), m.w.between(second, 8*second), m.w.between(16*second, 40*second),
	}), m.connect)
}

// stir does now and then what clients do.
func (m *member) stir() {
	if m.gone || m.w.quiet {
		return
	}
	m.w.after(m.w.between(second, 12*second), m.stir)
	if m.held == nil {
		return
	}
	switch choice := m.w.chance.IntN(20); {
	case choice < 6:
		m.hangUp(m.w.between(0, 2*second))
	case choice < 8:
		m.hangUp(m.w.between(8*second, 14*second))
	case choice < 9:
		m.hangUp(m.w.between(16*second, 25*second))
	case choice < 10: // for good
		m.hangUp(0)
		m.gone = true
	case choice < 13: // the edge does not notice, and the client is back elsewhere before it does
		m.broken(false)
		m.w.after(m.w.between(0, 5*second), m.connect)
	case choice < 16 && m.entered && !m.doubt:
		m.enter(m.life, fmt.Sprint(m.w.chance.IntN(1000)))
	case choice < 17: // another node takes the client for lost
		m.broken(false)
		m.connect()
	}
}

// attachment is a session's connection at an edge.
type attachment struct {
	edge       *edge
	member     *member
	life       int
	session    string
	generation uint64
}

// hold keeps a session that was attached here; nil, where it is known to have moved on meanwhile.
func (e *edge) hold(m *member, generation uint64) *attachment {
	if e.voided[m.session] > generation {
		return nil
	}
	a := &attachment{edge: e, member: m, life: m.life, session: m.session, generation: generation}
	if old := e.sessions[m.session]; old != nil {
		e.void(m.session, generation)
	}
	e.sessions[m.session] = a
	return a
}

// closed is told that the client is gone: it detaches the session, until the slot has heard it.
func (e *edge) closed(a *attachment) {
	if e.sessions[a.session] != a {
		return
	}
	delete(e.sessions, a.session)
	e.detach(a)
}

func (e *edge) detach(a *attachment) {
	if !e.n.alive {
		return
	}
	app := a.member.room.App
	command := channel.DetachSession{App: app, Session: a.session, Generation: a.generation}
	e.n.do(func() {
		e.n.host.Propose(e.n.clock(), e.n.host.SlotOf(app, a.session), command, e.n.clock()+5000, func(reply host.Reply) {
			switch reply.Err {
			case nil:
				if !e.n.dropped { // else the longer grace of a lost node may run
					e.n.w.sessions[a.session].detached = e.n.w.now
				}
			case host.ErrNotDone, host.ErrUnknown, host.ErrOverloaded:
				e.n.w.after(100*millisecond, func() { e.detach(a) })
			}
		})
	})
}

// void is told that a session's connection here counts no more, if it is older than a generation.
func (e *edge) void(session string, generation uint64) {
	e.voided[session] = max(e.voided[session], generation)
	a := e.sessions[session]
	if a == nil || a.generation >= generation {
		return
	}
	delete(e.sessions, session)
	if m := a.member; m.held == a {
		m.broken(false)
		e.n.w.after(e.n.w.between(0, second), m.connect)
	}
}

// missed is told that fates of sessions may not have been heard: it asks for them.
func (e *edge) missed(slot int) {
	var ask []string
	for _, session := range sortedTexts(e.sessions) {
		if e.n.host.SlotOf("app", session) == slot {
			ask = append(ask, session)
		}
	}
	if len(ask) == 0 || e.asking[slot] {
		return
	}
	e.asking[slot] = true
	e.n.w.after(0, func() { e.n.do(func() { e.askFates(slot, ask) }) })
}

func (e *edge) askFates(slot int, ask []string) {
	if !e.n.alive {
		return
	}
	e.asking[slot] = false
	query := channel.AliveQuery{App: "app", Sessions: ask}
	e.n.w.query(e.n, slot, query, e.n.clock()+3000, func(answer channel.Answer, err error) {
		if err != nil {
			e.n.w.after(200*millisecond, func() { e.n.do(func() { e.missed(slot) }) })
			return
		}
		e.learnFates(ask, answer.(channel.LiveSessions))
	})
}

func (e *edge) learnFates(asked []string, living channel.LiveSessions) {
	for _, session := range asked {
		a := e.sessions[session]
		i := slices.IndexFunc(living, func(one channel.LiveSession) bool { return one.ID == session })
		switch {
		case a == nil:
		case i < 0:
			e.void(session, a.generation+1)
		case living[i].Generation > a.generation:
			e.void(session, living[i].Generation)
		case !living[i].Attached: // this node was taken for lost, and lives
			e.attachAgain(a)
		}
	}
}

// attachAgain has a client's session attached under another generation.
func (e *edge) attachAgain(a *attachment) {
	m := a.member
	if m.held != a {
		return // its client is gone, which the edge is about to learn
	}
	delete(e.sessions, a.session)
	m.away = absence{from: e.n.w.now, until: e.n.w.now}
	m.life++
	m.held = nil
	m.attach(e.n, m.life, false)
}
