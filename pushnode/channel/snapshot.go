package channel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"halley/pushnode/coding"
)

// snapshotVersion is the first byte of a snapshot. A reader refuses every other.
const snapshotVersion = 2

// checksumBytes is the length of the xxhash that ends a snapshot.
const checksumBytes = 8

// AppendSnapshot appends the whole state to dst. Equal states give equal bytes.
func AppendSnapshot(dst []byte, s *State) []byte {
	start := len(dst)
	w := newWriter(append(dst, snapshotVersion))
	w.Fixed(s.cluster)
	w.Number(uint64(s.generation))
	w.Count(len(s.lineage))
	for _, generation := range s.lineage {
		w.Number(uint64(generation))
	}
	w.Signed(s.now)
	w.Fixed(uint64(s.digest))
	for _, era := range s.eras {
		w.Number(era)
	}
	w.Count(len(s.channels))
	for _, id := range sorted(s.channels) {
		w.channel(s.channels[id])
	}
	w.Count(len(s.tombstones))
	for _, id := range sorted(s.tombstones) {
		w.tombstone(s.tombstones[id])
	}
	w.Count(len(s.sessions))
	for _, id := range sorted(s.sessions) {
		w.sessionState(s.sessions[id])
	}
	w.departures(&s.departures)
	w.hooks(&s.hooks)
	w.Fixed(xxhash.Sum64(w.Data[start:]))
	return w.Data
}

// RestoreSnapshot reads what AppendSnapshot wrote. The state shares no memory with data. Its errors wrap ErrEncoding.
func RestoreSnapshot(data []byte) (*State, error) {
	body := data[:max(len(data)-checksumBytes, 0)]
	if len(body) == 0 || xxhash.Sum64(body) != binary.LittleEndian.Uint64(data[len(body):]) {
		return nil, fmt.Errorf("%w: checksum", ErrEncoding)
	}
	r := reader{coding.Read(body, ErrEncoding)}
	if r.Byte() != snapshotVersion {
		r.Fail("version")
	}
	s := NewState(r.Fixed())
	s.generation = r.Number32()
	for range r.Count(1) {
		s.lineage = append(s.lineage, r.Number32())
	}
	s.now = r.Signed()
	s.digest = digest(r.Fixed())
	for i := range s.eras {
		s.eras[i] = r.Number()
	}
	for range r.Count(1) {
		r.channel(s)
	}
	for range r.Count(1) {
		r.tombstone(s)
	}
	for range r.Count(1) {
		r.sessionState(s)
	}
	r.departures(&s.departures)
	r.hooks(&s.hooks)
	if err := r.End(); err != nil {
		return nil, err
	}
	return s, nil
}

// sorted returns the ids of a map in order.
func sorted[T any](byID map[ID]T) []ID { return slices.SortedFunc(maps.Keys(byID), ID.Compare) }

func (w *writer) channel(c *channelState) {
	w.id(c.id)
	w.numbering(&c.numbering)
	w.Number(c.version)
	w.Signed(c.touched)
	w.retention(c.retention)
	w.Count(c.history.len())
	for i := range c.history.len() {
		w.publication(c.history.ring.at(i))
	}
	w.Count(c.ids.order.len())
	for i := range c.ids.order.len() {
		seen := c.ids.order.at(i)
		w.Data = append(w.Data, seen.key[:]...)
		w.Number(uint64(seen.attempt))
		w.Signed(seen.time)
	}
	w.members(c.members)
}

func (r *reader) channel(s *State) {
	c := &channelState{timer: timer{id: r.id().cloned(), kind: kindChannel}}
	c.numbering = r.numbering()
	c.version = r.Number()
	c.touched = r.Signed()
	c.retention = r.retention()
	count := r.run(c.head)
	for offset := c.head - uint64(count) + 1; offset <= c.head && r.Err() == nil; offset++ {
		s.keep(c, r.publication(offset))
	}
	count = r.run(c.head)
	for offset := c.head - uint64(count) + 1; offset <= c.head && r.Err() == nil; offset++ {
		c.ids.add(seenID{key: r.key(), attempt: r.Number32(), time: r.Signed()}, offset)
		s.usage.DedupeIDs++
	}
	r.members(s, c)
	s.channels[c.id] = c
	s.usage.Channels++
	s.timers.set(&c.timer, c.deadline())
}

// run reads the length of a run of offsets that ends at head.
func (r *reader) run(head uint64) int {
	count := r.Count(1)
	if uint64(count) > head {
		r.Fail("count above the head")
		return 0
	}
	return count
}

func (r *reader) key() (key idKey) {
	copy(key[:], r.Take(len(key)))
	return key
}

func (w *writer) numbering(n *numbering) {
	w.Number(uint64(n.generation))
	w.Number(n.incarnation)
	w.Number(n.head)
	w.Count(len(n.breaks))
	for _, b := range n.breaks {
		w.Number(uint64(b.generation))
		w.Number(b.head)
	}
}

func (r *reader) numbering() numbering {
	n := numbering{generation: r.Number32(), incarnation: r.Number(), head: r.Number()}
	for range r.Count(1) {
		n.breaks = append(n.breaks, epochBreak{generation: r.Number32(), head: r.Number()})
	}
	return n
}

func (w *writer) publication(p *Publication) {
	w.Text(p.ID)
	w.Text(p.Event)
	w.Bytes(p.Data)
	w.Text(p.Exclude)
	w.Text(p.ClientID)
	w.Signed(p.Time)
}

func (r *reader) publication(offset uint64) *Publication {
	return &Publication{
		ID: r.ownText(), Offset: offset, Event: r.ownText(), Data: bytes.Clone(r.Bytes()),
		Exclude: r.ownText(), ClientID: r.ownText(), Time: r.Signed(),
	}
}

// ownText reads a string into memory of its own.
func (r *reader) ownText() string { return strings.Clone(r.text()) }

func (w *writer) members(m *members) {
	w.Count(m.size())
	for _, one := range m.sorted() {
		w.Text(one.clientID)
		w.Text(one.session)
		w.Number(one.generation)
		w.Number(one.attempt)
		w.Signed(one.since)
		w.Bytes(one.data)
	}
}

func (r *reader) members(s *State, c *channelState) {
	for range r.Count(1) {
		key := memberKey{clientID: r.ownText(), session: r.ownText()}
		one := &member{
			session: key.session, generation: r.Number(), attempt: r.Number(), since: r.Signed(), data: bytes.Clone(r.Bytes()),
		}
		if c.members.find(key) != nil {
			r.Fail("member that comes twice")
			return
		}
		s.join(c, key.clientID, one)
	}
}

func (w *writer) tombstone(t *tombstone) {
	w.id(t.id)
	w.numbering(&t.numbering)
	w.Number(t.version)
	w.Signed(t.until)
}

func (r *reader) tombstone(s *State) {
	s.bury(&tombstone{
		timer:     timer{id: r.id().cloned(), kind: kindTombstone},
		numbering: r.numbering(), version: r.Number(), until: r.Signed(),
	})
}

func (w *writer) sessionState(k *sessionState) {
	seen := k.session()
	w.record(&seen)
	w.Data = append(w.Data, k.secret[:]...)
	w.Number(k.attempt)
	w.Bool(k.lost)
	w.Bool(k.ended)
	w.leaving(k.leaving)
}

func (w *writer) leaving(l *leaving) {
	if l == nil {
		l = new(leaving)
	}
	w.texts(l.channels)
	w.Number(l.generation)
	w.Signed(l.repeat)
}

func (r *reader) leaving() *leaving {
	l := &leaving{channels: cloneTexts(r.texts()), generation: r.Number(), repeat: r.Signed()}
	if len(l.channels) == 0 && l.generation == 0 && l.repeat == 0 {
		return nil
	}
	return l
}

func (r *reader) sessionState(s *State) {
	seen := r.record().cloned()
	k := &sessionState{
		timer:  timer{id: ID{App: seen.App, Name: seen.ID}, kind: kindSession},
		record: recordOf(seen), secret: r.secret(), attempt: r.Number(), lost: r.Bool(), ended: r.Bool(), leaving: r.leaving(),
	}
	s.sessions[k.id] = k
	s.usage.Sessions++
	if k.record.attached {
		s.edges.add(k.record.edge)
	}
	s.timers.set(&k.timer, k.deadline())
}

// cloned is the record in memory of its own.
func (s Session) cloned() Session {
	s.App, s.ID, s.ClientID = strings.Clone(s.App), strings.Clone(s.ID), strings.Clone(s.ClientID)
	s.Channels, s.Presence = cloneSubscriptions(s.Channels), cloneTexts(s.Presence)
	return s
}
