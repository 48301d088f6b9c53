package host

import (
	"encoding/binary"

	"halley/pushnode/channel"
)

// Class says what a frame may wait for on its link: nothing waits behind what is in a later class.
type Class uint8

// The classes of frames.
const (
	Control Class = iota // votes, heartbeats, routes
	Data                 // appends, requests, replies, deliveries
	Bulk                 // whole states
)

// kind says what a frame holds. Numbers are never reused.
type kind uint8

const (
	kindRaft kind = iota + 1
	kindRequest
	kindReply
	kindRoutes
	kindFollow
	kindUnfollow
	kindHeads
	kindDeliver
	kindOccupancy
	kindNoSource
	kindAsk
	kindTell
	kindPart
	kindDead
	kindCall
	kindAnswer
	kindFallen
	kindPulse
	kindPulsed
	kindCongestion
)

// A frame is its kind, the slot (but for routes, the dead, calls and pulses), and what its kind says: the append methods below are the format.

// beginFrame begins a frame of a slot, and makes room for so many bytes behind that.
func beginFrame(k kind, slot, room int) []byte {
	return binary.AppendUvarint(append(make([]byte, 0, room+4), byte(k)), uint64(slot))
}

// frameRoom is room for most frames, without what they carry.
const frameRoom = 60

// requestFrame is a command or query for the leader of a slot. Where origin and leader have no link, another copy passes it on.
type requestFrame struct {
	origin uint64 // instance that waits for the reply
	id     uint64 // its number for the request; rises
	query  bool   // body is a query, not a command
	relay  bool   // to be passed on to the leader by a copy that does not lead
	body   []byte
}

func (f *requestFrame) append(slot int) []byte {
	dst := beginFrame(kindRequest, slot, frameRoom+len(f.body))
	dst = binary.LittleEndian.AppendUint64(dst, f.origin)
	dst = binary.AppendUvarint(dst, f.id)
	dst = append(dst, flag(f.query)|flag(f.relay)<<1)
	return append(dst, f.body...)
}

func (r *frameReader) request() requestFrame {
	f := requestFrame{origin: r.Fixed(), id: r.Number()}
	flags := r.Byte()
	f.query, f.relay, f.body = flags&1 != 0, flags&2 != 0, r.Rest()
	return f
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// verdict is how a request went at the node that it was sent to.
type verdict uint8

const (
	verdictDone       verdict = iota // body is the result or answer
	verdictNotLeader                 // not proposed here; route is where it may belong
	verdictLost                      // proposed here, and the lead was lost: the outcome is unknown
	verdictOverloaded                // not proposed: too much waits
	verdictUnreadable                // the body means nothing to that node
	verdictNoQuorum                  // a query that could not be proven to be answered from all that was acknowledged
	verdictCount
)

type replyFrame struct {
	origin  uint64
	id      uint64
	verdict verdict
	copies  int // how many nodes have what was done, at least
	route   route
	body    []byte
}

func (f *replyFrame) append(slot int) []byte {
	dst := beginFrame(kindReply, slot, frameRoom+len(f.body))
	dst = binary.LittleEndian.AppendUint64(dst, f.origin)
	dst = binary.AppendUvarint(dst, f.id)
	dst = append(dst, byte(f.verdict), byte(f.copies))
	if f.verdict == verdictDone {
		return append(dst, f.body...)
	}
	return f.route.append(dst)
}

func (r *frameReader) reply() replyFrame {
	f := replyFrame{origin: r.Fixed(), id: r.Number(), verdict: verdict(r.Byte()), copies: int(r.Byte())}
	switch {
	case f.verdict >= verdictCount:
		r.Fail("unknown verdict")
	case f.verdict == verdictDone:
		f.body = r.Rest()
	default:
		f.route = r.route()
	}
	return f
}

func (r route) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, r.leader)
	dst = append(dst, flag(r.agreed))
	dst = binary.AppendUvarint(dst, uint64(r.generation))
	dst = binary.AppendUvarint(dst, r.term)
	dst = binary.AppendUvarint(dst, r.applied)
	return appendInstances(appendInstances(dst, r.voters), r.learners)
}

func (r *frameReader) route() route {
	found := route{leader: r.Fixed(), agreed: r.Byte() != 0}
	generation := r.Number()
	if generation > maxGeneration {
		r.Fail("a generation is too high")
	}
	found.generation, found.term, found.applied = uint32(generation), r.Number(), r.Number()
	found.voters, found.learners = r.Fixeds(), r.Fixeds()
	return found
}

const maxGeneration = 1<<32 - 1

// slotRoute is one slot that the sender of a routes frame leads.
type slotRoute struct {
	slot  int
	route route
}

func appendRoutes(led []slotRoute) []byte {
	dst := binary.AppendUvarint([]byte{byte(kindRoutes)}, uint64(len(led)))
	for _, one := range led {
		dst = one.route.append(binary.AppendUvarint(dst, uint64(one.slot)))
	}
	return dst
}

func (r *frameReader) routes() []slotRoute {
	count := r.Count(1)
	led := make([]slotRoute, 0, min(count, r.Left()/12))
	for range count {
		led = append(led, slotRoute{slot: int(r.Number32()), route: r.route()})
		if r.Err() != nil {
			return nil
		}
	}
	return led
}

// appendChannels is the rest of follow and unfollow frames. whole: the list replaces all that was followed before.
func appendChannels(dst []byte, whole bool, channels []channel.ID) []byte {
	dst = binary.AppendUvarint(append(dst, flag(whole)), uint64(len(channels)))
	for _, id := range channels {
		dst = appendChannel(dst, id)
	}
	return dst
}

func (r *frameReader) channels() (whole bool, list []channel.ID) {
	whole = r.Byte() != 0
	count := r.Count(1)
	for range count {
		list = append(list, r.channel())
		if r.Err() != nil {
			return false, nil
		}
	}
	return whole, list
}

// head says where a channel stands.
type head struct {
	id       channel.ID
	position channel.Position
	version  uint64 // of its presence
}

func appendHeads(dst []byte, heads []head) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(heads)))
	for _, one := range heads {
		dst = appendChannel(dst, one.id)
		dst = binary.LittleEndian.AppendUint64(dst, one.position.Epoch.Cluster)
		dst = binary.AppendUvarint(dst, uint64(one.position.Epoch.Generation))
		dst = binary.AppendUvarint(dst, one.position.Epoch.Incarnation)
		dst = binary.AppendUvarint(dst, one.position.Offset)
		dst = binary.AppendUvarint(dst, one.version)
	}
	return dst
}

func (r *frameReader) heads() (list []head) {
	for range r.Count(1) {
		one := head{id: r.channel()}
		one.position.Epoch.Cluster = r.Fixed()
		one.position.Epoch.Generation = r.Number32()
		one.position.Epoch.Incarnation = r.Number()
		one.position.Offset = r.Number()
		one.version = r.Number()
		if r.Err() != nil {
			return nil
		}
		list = append(list, one)
	}
	return list
}

// subscribers says how many follow a channel at the sender of an occupancy frame.
type subscribers struct {
	id    channel.ID
	count int
}

func appendOccupancy(dst []byte, whole bool, list []subscribers) []byte {
	dst = binary.AppendUvarint(append(dst, flag(whole)), uint64(len(list)))
	for _, one := range list {
		dst = binary.AppendUvarint(appendChannel(dst, one.id), uint64(one.count))
	}
	return dst
}

func (r *frameReader) occupancy() (whole bool, list []subscribers) {
	whole = r.Byte() != 0
	for range r.Count(1) {
		list = append(list, subscribers{id: r.channel(), count: int(r.Number32())})
		if r.Err() != nil {
			return false, nil
		}
	}
	return whole, list
}
