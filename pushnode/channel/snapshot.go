package channel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// snapshotVersion is the first byte of a snapshot. A reader refuses every other.
const snapshotVersion = 1

// checksumBytes is the length of the xxhash that ends a snapshot.
const checksumBytes = 8

// AppendSnapshot appends the whole state to dst. Equal states give equal bytes.
func AppendSnapshot(dst []byte, s *State) []byte {
	start := len(dst)
	w := writer{data: append(dst, snapshotVersion)}
	w.fixed(s.cluster)
	w.number(uint64(s.generation))
	w.count(len(s.lineage))
	for _, generation := range s.lineage {
		w.number(uint64(generation))
	}
	w.signed(s.now)
	w.fixed(uint64(s.digest))
	for _, era := range s.eras {
		w.number(era)
	}
	w.count(len(s.channels))
	for _, id := range sorted(s.channels) {
		w.channel(s.channels[id])
	}
	w.count(len(s.tombstones))
	for _, id := range sorted(s.tombstones) {
		w.tombstone(s.tombstones[id])
	}
	w.count(len(s.sessions))
	for _, id := range sorted(s.sessions) {
		w.sessionState(s.sessions[id])
	}
	w.departures(&s.departures)
	w.fixed(xxhash.Sum64(w.data[start:]))
	return w.data
}

// RestoreSnapshot reads what AppendSnapshot wrote. The state shares no memory with data. Its errors wrap ErrEncoding.
func RestoreSnapshot(data []byte) (*State, error) {
	body := data[:max(len(data)-checksumBytes, 0)]
	if len(body) == 0 || xxhash.Sum64(body) != binary.LittleEndian.Uint64(data[len(body):]) {
		return nil, fmt.Errorf("%w: checksum", ErrEncoding)
	}
	r := reader{data: body, rest: body}
	if r.byte() != snapshotVersion {
		r.fail("version")
	}
	s := NewState(r.fixed())
	s.generation = r.number32()
	for range r.count() {
		s.lineage = append(s.lineage, r.number32())
	}
	s.now = r.signed()
	s.digest = digest(r.fixed())
	for i := range s.eras {
		s.eras[i] = r.number()
	}
	for range r.count() {
		r.channel(s)
	}
	for range r.count() {
		r.tombstone(s)
	}
	for range r.count() {
		r.sessionState(s)
	}
	r.departures(&s.departures)
	if err := r.end(); err != nil {
		return nil, err
	}
	return s, nil
}

// sorted returns the ids of a map in order.
func sorted[T any](byID map[ID]T) []ID { return slices.SortedFunc(maps.Keys(byID), compareIDs) }

func (w *writer) channel(c *channelState) {
	w.id(c.id)
	w.numbering(&c.numbering)
	w.number(c.version)
	w.signed(c.touched)
	w.retention(c.retention)
	w.count(c.history.len())
	for i := range c.history.len() {
		w.publication(c.history.ring.at(i))
	}
	w.count(c.ids.order.len())
	for i := range c.ids.order.len() {
		seen := c.ids.order.at(i)
		w.data = append(w.data, seen.key[:]...)
		w.number(uint64(seen.attempt))
		w.signed(seen.time)
	}
	w.members(c.members)
}

func (r *reader) channel(s *State) {
	c := &channelState{timer: timer{id: r.id().cloned(), kind: kindChannel}}
	c.numbering = r.numbering()
	c.version = r.number()
	c.touched = r.signed()
	c.retention = r.retention()
	count := r.run(c.head)
	for offset := c.head - uint64(count) + 1; offset <= c.head && r.err == nil; offset++ {
		s.keep(c, r.publication(offset))
	}
	count = r.run(c.head)
	for offset := c.head - uint64(count) + 1; offset <= c.head && r.err == nil; offset++ {
		c.ids.add(seenID{key: r.key(), attempt: r.number32(), time: r.signed()}, offset)
		s.usage.DedupeIDs++
	}
	r.members(s, c)
	s.channels[c.id] = c
	s.usage.Channels++
	s.timers.set(&c.timer, c.deadline())
}

// run reads the length of a run of offsets that ends at head.
func (r *reader) run(head uint64) int {
	count := r.count()
	if uint64(count) > head {
		r.fail("count above the head")
		return 0
	}
	return count
}

func (r *reader) key() (key idKey) {
	copy(key[:], r.take(len(key)))
	return key
}

func (w *writer) numbering(n *numbering) {
	w.number(uint64(n.generation))
	w.number(n.incarnation)
	w.number(n.head)
	w.count(len(n.breaks))
	for _, b := range n.breaks {
		w.number(uint64(b.generation))
		w.number(b.head)
	}
}

func (r *reader) numbering() numbering {
	n := numbering{generation: r.number32(), incarnation: r.number(), head: r.number()}
	for range r.count() {
		n.breaks = append(n.breaks, epochBreak{generation: r.number32(), head: r.number()})
	}
	return n
}

func (w *writer) publication(p *Publication) {
	w.text(p.ID)
	w.text(p.Event)
	w.bytes(p.Data)
	w.text(p.Exclude)
	w.signed(p.Time)
}

func (r *reader) publication(offset uint64) *Publication {
	return &Publication{
		ID: r.ownText(), Offset: offset, Event: r.ownText(), Data: bytes.Clone(r.bytes()), Exclude: r.ownText(), Time: r.signed(),
	}
}

// ownText reads a string into memory of its own.
func (r *reader) ownText() string { return strings.Clone(r.text()) }

func (w *writer) members(members map[memberKey]*member) {
	w.count(len(members))
	for _, key := range sortedMembers(members) {
		one := members[key]
		w.text(key.clientID)
		w.text(key.session)
		w.number(one.generation)
		w.number(one.attempt)
		w.signed(one.since)
		w.bytes(one.data)
	}
}

func (r *reader) members(s *State, c *channelState) {
	for range r.count() {
		key := memberKey{clientID: r.ownText(), session: r.ownText()}
		s.join(c, key, &member{
			generation: r.number(), attempt: r.number(), since: r.signed(), data: bytes.Clone(r.bytes()),
		})
	}
}

func (w *writer) tombstone(t *tombstone) {
	w.id(t.id)
	w.numbering(&t.numbering)
	w.number(t.version)
	w.signed(t.until)
}

func (r *reader) tombstone(s *State) {
	s.bury(&tombstone{
		timer:     timer{id: r.id().cloned(), kind: kindTombstone},
		numbering: r.numbering(), version: r.number(), until: r.signed(),
	})
}

func (w *writer) sessionState(k *sessionState) {
	w.record(&k.record)
	w.data = append(w.data, k.secret[:]...)
	w.number(k.attempt)
	w.bool(k.lost)
	w.bool(k.ended)
	w.texts(k.leaving)
	w.number(k.leavingGeneration)
	w.signed(k.repeat)
}

func (r *reader) sessionState(s *State) {
	k := &sessionState{
		record: r.record().cloned(), secret: r.secret(), attempt: r.number(), lost: r.bool(), ended: r.bool(),
		leaving: cloneTexts(r.texts()), leavingGeneration: r.number(), repeat: r.signed(),
	}
	k.timer = timer{id: ID{App: k.record.App, Name: k.record.ID}, kind: kindSession}
	s.sessions[k.id] = k
	s.usage.Sessions++
	if k.record.Attached {
		s.edges.add(k.record.Edge)
	}
	s.timers.set(&k.timer, k.deadline())
}

// cloned is the record in memory of its own.
func (s Session) cloned() Session {
	s.App, s.ID, s.ClientID = strings.Clone(s.App), strings.Clone(s.ID), strings.Clone(s.ClientID)
	s.Channels, s.Presence = cloneSubscriptions(s.Channels), cloneTexts(s.Presence)
	return s
}
