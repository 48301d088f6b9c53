package host

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// asker is who waits for a proposal of ours: a request of this node, or one of another node.
type asker struct {
	ticket  uint64
	request *request // nil: another node's
	via     uint64   // who sent it to us
	origin  uint64   // who waits for it
	id      uint64
}

// serve does a request of another node, if this one leads.
func (s *seat) serve(from uint64, f requestFrame) {
	asked := asker{via: from, origin: f.origin, id: f.id}
	switch {
	case !s.status.Leads && f.relay && s.host.view.Load().linked[s.route.leader]:
		f.relay = false
		s.host.outside.Send(s.route.leader, Data, f.append(s.index))
	case !s.status.Leads:
		s.reply(asked, replyFrame{verdict: verdictNotLeader, route: s.route})
	case f.query:
		s.serveQuery(asked, f.body)
	default:
		s.serveCommand(asked, f.body)
	}
}

func (s *seat) serveQuery(asked asker, body []byte) {
	query, err := channel.DecodeQuery(body)
	switch {
	case err != nil:
		s.reply(asked, replyFrame{verdict: verdictUnreadable, route: s.route})
	case !s.fresh():
		s.reply(asked, replyFrame{verdict: verdictNoQuorum, route: s.route})
	default:
		answer := channel.AppendAnswer(nil, s.answerQuery(query))
		if len(answer) > smallAnswer && s.host.outside.Queued(asked.via, Data) >= lagBytes {
			s.reply(asked, replyFrame{verdict: verdictOverloaded, route: s.route})
			return
		}
		s.reply(asked, replyFrame{verdict: verdictDone, body: answer})
	}
}

// smallAnswer is how many bytes an answer may have that is sent whatever waits for a node. Where lagBytes wait others are refused: how many
// lists, members and pages of history clients ask for at once is for clients to say, and a link that overflows ends for all.
const smallAnswer = 4 << 10

func (s *seat) serveCommand(asked asker, body []byte) {
	command, err := channel.DecodeCommand(body)
	if err != nil {
		s.reply(asked, replyFrame{verdict: verdictUnreadable, route: s.route})
		return
	}
	if AddsWork(command) && s.host.outside.Overloaded(s.index) {
		s.reply(asked, replyFrame{verdict: verdictOverloaded, route: s.route})
		return
	}
	switch ticket, err := s.propose(command); {
	case err == nil:
		asked.ticket = ticket
		s.asked = append(s.asked, asked)
	case errors.Is(err, slot.ErrNotLeader), s.status.Transferring:
		s.reply(asked, replyFrame{verdict: verdictNotLeader, route: s.route})
	default:
		s.reply(asked, replyFrame{verdict: verdictOverloaded, route: s.route})
	}
}

// AddsWork reports whether the command may be refused where too much is to be delivered. What ends something is taken even then:
// refused, it would be there for ever.
func AddsWork(command channel.Command) bool {
	switch command.(type) {
	case channel.Publish, channel.EnterPresence, channel.AttachSession, channel.Import:
		return true
	default:
		return false
	}
}

// answer tells who asked for a proposal of ours what came of it.
func (s *seat) answer(outcome slot.Outcome) {
	i := slices.IndexFunc(s.asked, func(one asker) bool { return one.ticket == outcome.Ticket })
	if i < 0 || len(outcome.Results) != 1 { // our own housekeeping, or an entry that only claims to be ours
		return
	}
	asked := s.asked[i]
	s.asked = slices.Delete(s.asked, i, i+1)
	result := outcome.Results[0]
	copies := s.status.Copies/2 + 1
	if asked.request != nil {
		s.complete(asked.request, Reply{Result: result, Copies: copies, Err: result.Err})
		return
	}
	s.reply(asked, replyFrame{verdict: verdictDone, copies: copies, body: channel.AppendResult(nil, result)})
}

// reply tells another node. Where that fails its link is broken, and it asks again.
func (s *seat) reply(asked asker, f replyFrame) {
	f.origin, f.id = asked.origin, asked.id
	s.host.outside.Send(asked.via, Data, f.append(s.index))
}

// sortedKeys is the keys of a map in order: what follows from walking a map must not depend on chance.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	if len(m) == 0 {
		return nil // most often, and without making anything
	}
	keys := slices.AppendSeq(make([]K, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}
