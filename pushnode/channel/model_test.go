package channel_test

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"halley/pushnode/channel"
)

// model is what a state should be, written to be obvious: everything that ever happened to a channel is kept, every deadline is
// found by looking at all things. Epochs are the state's own; the test checks what is promised of them.
type model struct {
	now        int64
	generation uint32
	whole      []uint32 // generations since which nothing can have been lost, the latest eight
	channels   map[string]*modelChannel
	past       map[string][]channel.Epoch // of channels that were forgotten
	sessions   map[string]*modelSession
	left       []modelDeparture // for good
	hooks      []modelHook      // all that there ever were
	effects    []channel.Effect
}

type modelChannel struct {
	epoch     channel.Epoch
	all       []*channel.Publication // the one with offset n at n-1
	accepted  []int64                // when each of them came here
	evicted   int                    // that many of them are not kept any more
	unseen    int                    // that many ids are not remembered any more
	retention channel.Retention
	breaks    map[uint32]int // generation that ended: the head then
	members   map[string]modelMember
	version   uint64
	touched   int64
	until     int64 // of the tombstone; 0: not dropped
}

type modelMember struct {
	channel.Member
	generation uint64
	attempt    uint64
	since      int64
}

type modelHook struct {
	channel.Hook
	gone bool // told, or let go of
}

// modelDeparture is that nobody enters a channel any more as a member, under a generation or an earlier one.
type modelDeparture struct {
	channel    string
	member     string
	generation uint64
	until      int64
}

type modelSession struct {
	channel.Session
	secret  [32]byte
	attempt uint64
	grace   int64 // how long its presence is kept after it was detached
	ended   bool
	leaving []string
	asked   uint64 // generation of the latest PresenceDue
	repeat  int64
}

func newModel() *model {
	return &model{channels: map[string]*modelChannel{}, past: map[string][]channel.Epoch{}, sessions: map[string]*modelSession{}}
}

// advance moves the clock and does what is due.
func (m *model) advance(now int64) {
	m.now = max(m.now, now)
	for i := range m.hooks {
		m.hooks[i].gone = m.hooks[i].gone || m.hooks[i].Time+channel.HookTTL.Milliseconds() <= m.now
	}
	for name, c := range m.channels {
		c.trim(m.now)
		empty := c.evicted == len(c.all) && c.unseen == len(c.all) && len(c.members) == 0
		switch {
		case c.until != 0 && m.now >= c.until:
			delete(m.channels, name)
			m.past[name] = append(m.past[name], c.epoch)
		case c.until == 0 && empty && m.now >= c.touched+time.Minute.Milliseconds():
			c.until = m.now + channel.TombstoneTTL.Milliseconds()
		}
	}
	for {
		var next *modelSession
		for _, s := range m.sessions {
			if at := s.due(); at <= m.now && (next == nil || at < next.due() || at == next.due() && s.ID < next.ID) {
				next = s
			}
		}
		if next == nil {
			return
		}
		m.act(next)
	}
}

func (c *modelChannel) trim(now int64) {
	kept := func() (bytes int) {
		for _, p := range c.all[c.evicted:] {
			bytes += len(p.ID) + len(p.Event) + len(p.Data)
		}
		return bytes
	}
	for len(c.all) > c.evicted && (len(c.all)-c.evicted > c.retention.Messages || kept() > c.retention.Bytes ||
		c.all[c.evicted].Time+c.retention.Age.Milliseconds() <= now) {
		c.evicted++
	}
	window := max(2*time.Minute, c.retention.Age).Milliseconds()
	for len(c.all) > c.unseen && c.accepted[c.unseen]+window <= now {
		c.unseen++
	}
}

const never = int64(1) << 62

func (s *modelSession) due() int64 {
	at := never
	if len(s.leaving) > 0 {
		at = s.repeat
	}
	if !s.Attached && !s.ended {
		at = min(at, s.Since+120_000)
		if len(s.Presence) > 0 {
			at = min(at, s.Since+s.grace)
		}
	}
	return at
}

// nextDeadline is the next moment at which anything changes by itself.
func (m *model) nextDeadline() int64 {
	at := never
	for _, s := range m.sessions {
		at = min(at, s.due())
	}
	for _, c := range m.channels {
		switch {
		case c.until != 0:
			at = min(at, c.until)
			continue
		case c.evicted == len(c.all) && c.unseen == len(c.all) && len(c.members) == 0:
			at = min(at, c.touched+time.Minute.Milliseconds())
		}
		if c.evicted < len(c.all) {
			at = min(at, c.all[c.evicted].Time+c.retention.Age.Milliseconds())
		}
		if c.unseen < len(c.all) {
			at = min(at, c.accepted[c.unseen]+max(2*time.Minute, c.retention.Age).Milliseconds())
		}
	}
	return at
}

func (m *model) act(s *modelSession) {
	away := m.now - s.Since
	switch {
	case s.Attached || s.ended:
		m.ask(s)
	case away >= 120_000:
		m.end(s)
	case away >= s.grace:
		m.collect(s)
		m.ask(s)
	default:
		m.ask(s)
	}
}

func (m *model) collect(s *modelSession) {
	if len(s.Presence) > 0 {
		s.leaving = slices.Compact(slices.Sorted(slices.Values(slices.Concat(s.leaving, s.Presence))))
		s.asked, s.Presence = s.Generation, nil
	}
}

func (m *model) ask(s *modelSession) {
	if len(s.leaving) > 0 {
		s.repeat = m.now + 5_000
		m.effects = append(m.effects,
			channel.PresenceDue{App: "app", Session: s.ID, ClientID: s.ClientID, Generation: s.asked, Channels: s.leaving})
	}
}

func (m *model) end(s *modelSession) {
	m.collect(s)
	m.ask(s)
	s.ended = true
	m.effects = append(m.effects, channel.SessionEnded{App: "app", Session: s.ID, Edge: s.Edge})
	if len(s.leaving) == 0 {
		delete(m.sessions, s.ID)
	}
}

// hold begins the channel under the epoch that the state gave it, or takes it up again.
func (m *model) hold(name string, epoch channel.Epoch) *modelChannel {
	c := m.channels[name]
	if c == nil {
		c = &modelChannel{epoch: epoch, breaks: map[uint32]int{}, members: map[string]modelMember{}}
		m.channels[name] = c
	}
	c.until = 0
	c.touched = m.now
	return c
}

// apply says what the command should answer, given the epoch that the state has for its channel.
func (m *model) apply(command channel.Command, epoch channel.Epoch) channel.Result {
	switch c := command.(type) {
	case channel.Publish:
		return m.publish(c, epoch)
	case channel.Import:
		return m.importAll(c, epoch)
	case channel.EnterPresence:
		return m.enter(c, epoch)
	case channel.LeavePresence:
		return m.leave(c)
	case channel.AttachSession:
		return m.attach(c)
	case channel.UpdateSession:
		s, err := m.session(c.Session, c.Generation)
		if err == nil {
			s.Expires, s.Channels, s.Presence = c.Expires, c.Channels, c.Presence
		}
		return channel.Result{Err: err}
	case channel.DetachSession:
		s, err := m.session(c.Session, c.Generation)
		if err == nil && s.Attached {
			s.Attached, s.Since, s.grace = false, m.now, 15_000
		}
		return channel.Result{Err: err}
	case channel.EndSession:
		generation := c.Generation
		if s := m.sessions[c.Session]; s != nil && generation == 0 {
			generation = s.Generation
		}
		s, err := m.session(c.Session, generation)
		if err == nil {
			m.end(s)
		}
		return channel.Result{Err: err}
	case channel.EdgeLost:
		for _, s := range m.sessions {
			if s.Attached && s.Edge == c.Edge && !s.ended {
				s.Attached, s.Since, s.grace = false, m.now, 60_000
			}
		}
	case channel.PresenceCleared:
		m.cleared(c)
	case channel.BreakEpoch:
		m.breakEpoch(c)
	case channel.Occupy:
		m.occupy(c)
	case channel.Announced:
		for i := range m.hooks {
			m.hooks[i].gone = m.hooks[i].gone || slices.Contains(c.Hooks, m.hooks[i].Number)
		}
	}
	return channel.Result{}
}

func (m *model) publish(c channel.Publish, epoch channel.Epoch) channel.Result {
	if offset := m.offset(c.Channel.Name, c.ID); offset != 0 {
		at := channel.Position{Epoch: m.channels[c.Channel.Name].epoch, Offset: offset}
		return channel.Result{ID: c.ID, Position: at, Duplicate: true}
	}
	at := m.append(c.Channel, epoch, c.Retention, &channel.Publication{
		ID: c.ID, Event: c.Event, Data: c.Data, Exclude: c.Exclude, ClientID: c.ClientID, Time: m.now,
	})
	return channel.Result{ID: c.ID, Position: at}
}

// offset is that of an id which is remembered, or 0.
func (m *model) offset(name, id string) uint64 {
	if known := m.channels[name]; known != nil {
		for _, p := range known.all[known.unseen:] {
			if p.ID == id {
				return p.Offset
			}
		}
	}
	return 0
}

func (m *model) append(id channel.ID, epoch channel.Epoch, keep channel.Retention, p *channel.Publication) channel.Position {
	known := m.hold(id.Name, epoch)
	p.Offset = uint64(len(known.all) + 1)
	known.all = append(known.all, p)
	known.accepted = append(known.accepted, m.now)
	known.retention = keep
	known.trim(m.now)
	m.effects = append(m.effects, channel.Published{Channel: id, Epoch: known.epoch, Publication: p})
	return channel.Position{Epoch: known.epoch, Offset: p.Offset}
}

func (m *model) importAll(c channel.Import, epoch channel.Epoch) channel.Result {
	at := channel.Position{Epoch: epoch}
	if known := m.channels[c.Channel.Name]; known != nil {
		at = channel.Position{Epoch: known.epoch, Offset: uint64(len(known.all))}
	}
	for _, one := range c.Publications {
		if m.offset(c.Channel.Name, one.ID) != 0 {
			continue
		}
		accepted := min(one.Timestamp, m.now)
		if known := m.channels[c.Channel.Name]; known != nil && known.evicted < len(known.all) {
			accepted = max(accepted, known.all[len(known.all)-1].Time)
		}
		at = m.append(c.Channel, epoch, c.Retention, &channel.Publication{
			ID: one.ID, Event: one.Event, Data: one.Data, Exclude: one.Exclude, ClientID: one.ClientID, Time: accepted,
		})
	}
	return channel.Result{Position: at}
}

func (m *model) enter(c channel.EnterPresence, epoch channel.Epoch) channel.Result {
	known := m.channels[c.Channel.Name]
	if m.departed(c.Channel.Name, c.ClientID+"/"+c.Session, c.Generation) {
		refused := channel.Result{Err: channel.ErrGeneration}
		if known != nil {
			refused.Version = known.version
		}
		return refused
	}
	var version uint64
	var before modelMember
	var member bool
	if known != nil {
		version = known.version
		before, member = known.members[c.ClientID+"/"+c.Session]
	}
	action := channel.ActionUpdate
	switch {
	case !member && known != nil && c.Max > 0 && len(known.members) >= c.Max:
		return channel.Result{Err: channel.ErrPresenceFull, Version: version}
	case !member:
		action = channel.ActionEnter
	case c.Generation < before.generation:
		return channel.Result{Err: channel.ErrGeneration, Version: version}
	}
	if member && c.Attempt != 0 && c.Attempt == before.attempt && c.Generation == before.generation {
		return channel.Result{Version: version}
	}
	after := modelMember{channel.Member{ClientID: c.ClientID, Session: c.Session, Data: c.Data}, c.Generation, c.Attempt, m.now}
	if member && string(before.Data) == string(c.Data) {
		known.members[c.ClientID+"/"+c.Session] = after
		return channel.Result{Version: version}
	}
	known = m.hold(c.Channel.Name, epoch)
	known.members[c.ClientID+"/"+c.Session] = after
	return m.changed(known, c.Channel, action, after.Member, known.memberships(c.ClientID) == 1)
}

// occupy adds a hook where the latest one of the same says otherwise, or there is none and somebody came.
func (m *model) occupy(c channel.Occupy) {
	present := false
	for _, one := range m.hooks {
		if one.Channel == c.Channel && one.ClientID == c.ClientID {
			present = one.Present
		}
	}
	if present == c.Present {
		return
	}
	m.hooks = append(m.hooks, modelHook{Hook: channel.Hook{
		Generation: m.generation, Number: uint64(len(m.hooks) + 1), Channel: c.Channel, ClientID: c.ClientID,
		Present: c.Present, Time: m.now,
	}})
}

// waitingHooks is what has not been told.
func (m *model) waitingHooks() (waiting []channel.Hook) {
	for _, one := range m.hooks {
		if !one.gone {
			waiting = append(waiting, one.Hook)
		}
	}
	return waiting
}

func (m *model) departed(name, member string, generation uint64) bool {
	return slices.ContainsFunc(m.left, func(d modelDeparture) bool {
		return d.channel == name && d.member == member && generation <= d.generation && m.now < d.until
	})
}

func (m *model) leave(c channel.LeavePresence) channel.Result {
	if member := c.ClientID + "/" + c.Session; c.Final && !m.departed(c.Channel.Name, member, c.Generation) {
		m.left = append(m.left, modelDeparture{c.Channel.Name, member, c.Generation, m.now + 60_000})
	}
	known := m.channels[c.Channel.Name]
	if known == nil {
		return channel.Result{}
	}
	before, member := known.members[c.ClientID+"/"+c.Session]
	switch {
	case !member:
		return channel.Result{Version: known.version}
	case c.Generation < before.generation:
		return channel.Result{Err: channel.ErrGeneration, Version: known.version}
	}
	delete(known.members, c.ClientID+"/"+c.Session)
	known.touched = m.now
	return m.changed(known, c.Channel, channel.ActionLeave, before.Member, known.memberships(c.ClientID) == 0)
}

func (m *model) changed(
	c *modelChannel, id channel.ID, action channel.Action, member channel.Member, only bool,
) channel.Result {
	c.version++
	m.effects = append(m.effects,
		channel.PresenceChanged{Channel: id, Action: action, Member: member, Only: only, Version: c.version})
	return channel.Result{Version: c.version}
}

// memberships counts the members that are of a client.
func (c *modelChannel) memberships(clientID string) (count int) {
	for _, one := range c.members {
		if one.ClientID == clientID {
			count++
		}
	}
	return count
}

// users counts the different clients of the members.
func (c *modelChannel) users() int {
	seen := map[string]bool{}
	for _, one := range c.members {
		seen[one.ClientID] = true
	}
	return len(seen)
}

func (m *model) attach(c channel.AttachSession) channel.Result {
	s := m.sessions[c.Session]
	if s == nil && c.Create {
		s = &modelSession{secret: c.SecretHash, attempt: c.Attempt, Session: channel.Session{
			App: c.App, ID: c.Session, ClientID: c.ClientID, Generation: 1,
			Edge: c.Edge, Attached: true, Since: m.now, Expires: c.Expires,
		}}
		m.sessions[c.Session] = s
		return channel.Result{Session: s.Session}
	}
	if s == nil || s.ended || s.secret != c.SecretHash || s.ClientID != c.ClientID {
		return channel.Result{Err: channel.ErrNoSession}
	}
	if c.Attempt != 0 && c.Attempt == s.attempt {
		return channel.Result{Session: s.Session, Resumed: s.Generation > 1}
	}
	if s.Edge != c.Edge {
		m.effects = append(m.effects,
			channel.SessionMoved{App: "app", Session: s.ID, Generation: s.Generation + 1, From: s.Edge, To: c.Edge})
	}
	s.Generation, s.Edge, s.Attached, s.Since, s.Expires = s.Generation+1, c.Edge, true, m.now, c.Expires
	s.attempt = c.Attempt
	return channel.Result{Session: s.Session, Resumed: true}
}

// restartGrace gives those who are away their whole time again, before anything falls due at now.
func (m *model) restartGrace(now int64) {
	m.now = max(m.now, now)
	for _, s := range m.sessions {
		if !s.Attached && !s.ended {
			s.Since = m.now
		}
	}
}

// edges is the nodes that sessions are attached to.
func (m *model) edges() []uint64 {
	found := map[uint64]bool{}
	for _, s := range m.sessions {
		if s.Attached && !s.ended {
			found[s.Edge] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (m *model) session(id string, generation uint64) (*modelSession, error) {
	s := m.sessions[id]
	switch {
	case s == nil || s.ended:
		return nil, channel.ErrNoSession
	case s.Generation != generation:
		return nil, channel.ErrGeneration
	}
	return s, nil
}

func (m *model) cleared(c channel.PresenceCleared) {
	s := m.sessions[c.Session]
	if s == nil || c.Generation != 0 && c.Generation < s.asked {
		return
	}
	s.leaving = slices.DeleteFunc(slices.Clone(s.leaving), func(name string) bool { return slices.Contains(c.Channels, name) })
	if s.ended && len(s.leaving) == 0 {
		delete(m.sessions, s.ID)
	}
}

func (m *model) breakEpoch(c channel.BreakEpoch) {
	if c.Generation <= m.generation {
		return
	}
	if !c.Whole {
		m.whole = nil
	} else if m.whole = append(m.whole, m.generation); len(m.whole) > 8 {
		m.whole = m.whole[1:]
	}
	m.generation = c.Generation
	for _, known := range m.channels {
		known.breaks[known.epoch.Generation] = len(known.all)
		known.epoch.Generation = c.Generation
	}
}

// backlog says what a reader should get: unbegun is the state's epoch for a channel that the model does not know.
func (m *model) backlog(name string, start channel.Start, limit int, unbegun channel.Epoch) channel.Backlog {
	c := m.channels[name]
	if c == nil {
		c = &modelChannel{epoch: unbegun}
	}
	from, gap := max(len(c.all)-start.Rewind, c.evicted), (*channel.Gap)(nil)
	if since := start.Since; since != nil {
		survived, older := c.survived(since.Epoch)
		switch {
		case since.Epoch == c.epoch && int(since.Offset) > len(c.all):
			from, gap = len(c.all), &channel.Gap{Reason: channel.ReasonPositionAhead}
		case since.Epoch == c.epoch:
			from = int(since.Offset)
		case older && int(since.Offset) <= survived:
			from = int(since.Offset)
			if !slices.Contains(m.whole, since.Epoch.Generation) {
				gap = &channel.Gap{Reason: channel.ReasonUncertain}
			}
		default:
			gap = &channel.Gap{Reason: channel.ReasonUnknownEpoch}
		}
		if from < c.evicted {
			reason := channel.ReasonEvicted
			if gap != nil {
				reason = gap.Reason
			}
			gap = &channel.Gap{Reason: reason, From: uint64(from + 1), To: uint64(c.evicted)}
			from = c.evicted
		}
	}
	to := min(len(c.all), from+limit)
	at := func(offset int) channel.Position { return channel.Position{Epoch: c.epoch, Offset: uint64(offset)} }
	return channel.Backlog{Gap: gap, From: at(from), Publications: c.all[from:to], Position: at(to), Head: at(len(c.all))}
}

// survived returns the head at which an older generation of this numbering ended.
func (c *modelChannel) survived(epoch channel.Epoch) (head int, older bool) {
	sameNumbering := epoch.Cluster == c.epoch.Cluster && epoch.Incarnation == c.epoch.Incarnation
	return c.breaks[epoch.Generation], sameNumbering && epoch.Generation < c.epoch.Generation
}

func (c *modelChannel) sortedMembers() []channel.Member {
	var members []channel.Member
	for _, key := range slices.Sorted(maps.Keys(c.members)) {
		members = append(members, c.members[key].Member)
	}
	return members
}

// compareEpochs orders the epochs of one channel in one cluster.
func compareEpochs(a, b channel.Epoch) int {
	return cmp.Or(cmp.Compare(a.Generation, b.Generation), cmp.Compare(a.Incarnation, b.Incarnation))
}
