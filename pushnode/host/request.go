package host

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"halley/pushnode/channel"
	"halley/pushnode/slot"
)

// What Propose and Query answer where a request has no result.
var (
	// ErrNotDone means that no leader was found in time: a command was not stored, a query not answered.
	ErrNotDone = errors.New("no leader of the slot took it in time")
	// ErrUnknown means that a command may have been stored or not. The same command may be given again.
	ErrUnknown = errors.New("the outcome is not known")
	// ErrOverloaded means that more waits than is good: the command was not stored.
	ErrOverloaded = errors.New("more waits than the slot's copies or subscribers take")
	// ErrUnreadable means that the leader does not know such a command or query, or that its answer is none: it runs another version.
	ErrUnreadable = errors.New("this node and the leader of the slot do not understand each other")
)

// maxWaiting bounds the requests of this node that have no outcome yet.
const maxWaiting = 1 << 16

// relayAfter is how long a request waits for a link to the leader before another copy is asked to pass it on, in milliseconds.
const relayAfter = 2000

// Reply is what came of a request: Result of a command, Answer of a query (of the type that the query says, whoever gave it), or Err,
// which wraps one of this package's or of package channel's.
type Reply struct {
	Result channel.Result
	Answer channel.Answer
	Copies int // nodes that have what was done, at least
	Err    error
}

// request is a command or query of this node on its way.
type request struct {
	id       uint64
	command  channel.Command // nil: a query
	query    channel.Query
	body     []byte // either, encoded; nil until it leaves this node
	begun    int64
	deadline int64
	done     func(Reply)

	with  uint64 // the instance that has it; 0: it waits for one
	doubt bool   // one had it, and may have stored it
}

// Propose has a command applied by the slot's leader, wherever that is, and calls done once with its result: soon, or until deadline
// (milliseconds). done is called without any lock, by whoever brings the outcome. Until then a lost leader costs nothing: the
// command is proposed again to the next one. So it must be one that does no harm twice.
func (h *Host) Propose(now int64, index int, command channel.Command, deadline int64, done func(Reply)) {
	h.begin(now, index, &request{command: command, begun: now, deadline: deadline, done: done})
}

// Query has a question answered by the slot's leader from all that was ever acknowledged, and calls done as Propose does.
func (h *Host) Query(now int64, index int, query channel.Query, deadline int64, done func(Reply)) {
	h.begin(now, index, &request{query: query, begun: now, deadline: deadline, done: done})
}

func (h *Host) begin(now int64, index int, r *request) {
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		r.done(Reply{Err: ErrOverloaded})
		return
	}
	s := &h.seats[index]
	s.enter(now)
	r.id = h.requests.Add(1)
	s.requests = append(s.requests, r)
	s.soon()
	s.forward(r)
	s.leave()
}

// forward takes a request to where it belongs, if that is known.
func (s *seat) forward(r *request) {
	leader := s.route.leader
	v := s.host.view.Load()
	switch {
	case s.status.Leads:
		s.tryHere(r)
	case leader != 0 && leader != s.host.config.Self && v.linked[leader]:
		s.sendRequest(r, leader, false)
	case leader != 0 && s.now >= r.begun+relayAfter:
		if relay := s.relay(v); relay != 0 {
			s.sendRequest(r, relay, true)
		}
	}
}

// relay is a copy that may have a link to the leader where we have none.
func (s *seat) relay(v *view) uint64 {
	for _, voter := range s.route.voters {
		if voter != s.route.leader && v.linked[voter] {
			return voter
		}
	}
	return 0
}

func (s *seat) sendRequest(r *request, to uint64, relay bool) {
	if r.body == nil {
		r.body = r.encode()
	}
	frame := requestFrame{origin: s.host.config.Self, id: r.id, query: r.command == nil, relay: relay, body: r.body}
	if s.host.outside.Send(to, Data, frame.append(s.index)) {
		r.with = to
	}
}

func (r *request) encode() []byte {
	if r.command == nil {
		return channel.AppendQuery(nil, r.query)
	}
	return channel.AppendCommand(nil, r.command)
}

// tryHere does a request at our own copy, which leads.
func (s *seat) tryHere(r *request) {
	self := s.host.config.Self
	if r.command == nil {
		if s.fresh() {
			s.complete(r, Reply{Answer: s.answerQuery(r.query)})
		}
		return
	}
	if AddsWork(r.command) && s.host.outside.Overloaded(s.index) {
		s.refuse(r, ErrOverloaded)
		return
	}
	switch ticket, err := s.propose(r.command); {
	case err == nil:
		s.asked = append(s.asked, asker{ticket: ticket, request: r})
		r.with = self
	case errors.Is(err, slot.ErrNotLeader): // it waits
	case errors.Is(err, slot.ErrOverloaded) && s.status.Transferring: // the next leader gets it
	default:
		s.refuse(r, ErrOverloaded)
	}
}

// refuse ends a request that was not taken. Where another had it before, that does not say that it was not stored.
func (s *seat) refuse(r *request, err error) {
	if r.command != nil && r.doubt {
		err = ErrUnknown
	}
	s.complete(r, Reply{Err: err})
}

// propose puts a command in line in our own copy, which leads.
func (s *seat) propose(command channel.Command) (ticket uint64, err error) {
	s.unsettled = true
	return s.copy.Propose(s.now, []channel.Command{command})
}

// redirect sends requests again that are with nobody, or with one that leads no more. Their order stays.
func (s *seat) redirect() {
	for _, r := range slices.Clone(s.requests) {
		switch {
		case r.with == 0:
			s.forward(r)
		case r.with != s.route.leader:
			r.with, r.doubt = 0, true
			s.forward(r)
		}
	}
}

// lost puts requests that our own copy cannot bring to an end any more back in line, and tells other nodes so of theirs.
func (s *seat) lost() {
	askers := s.asked
	s.asked = nil
	for _, asked := range askers {
		if asked.request == nil {
			s.reply(asked, replyFrame{verdict: verdictLost, route: s.route})
			continue
		}
		asked.request.with, asked.request.doubt = 0, true
	}
	s.redirect()
}

// replied takes in what another node says of a request.
func (s *seat) replied(from uint64, f replyFrame) error {
	if f.origin != s.host.config.Self {
		s.host.outside.Send(f.origin, Data, f.append(s.index)) // we passed the request on
		return nil
	}
	i, found := s.find(f.id)
	if !found {
		return nil // it has its outcome
	}
	r := s.requests[i]
	switch f.verdict {
	case verdictDone:
		reply, err := r.decode(f)
		s.complete(r, reply)
		return err
	case verdictOverloaded:
		s.refuse(r, ErrOverloaded)
	case verdictUnreadable:
		s.refuse(r, ErrUnreadable)
	default:
		if r.with == from || f.verdict == verdictLost {
			r.doubt = r.doubt || f.verdict == verdictLost
			r.with = 0
		}
		s.learn(f.route)
	}
	return nil
}

// decode reads what another node made of the request. What it does not understand, or what is no answer to the request, it returns as an
// error that says what came; to who waits it is then a query that was not answered, or a command of which nobody knows what it did.
func (r *request) decode(f replyFrame) (Reply, error) {
	if r.command == nil {
		answer, err := channel.DecodeAnswer(f.body)
		if err == nil && !channel.Suits(r.query, answer) {
			err = fmt.Errorf("%w: a %T is no answer to a %T", ErrFrame, answer, r.query)
		}
		if err != nil {
			return Reply{Err: fmt.Errorf("%w: %w", ErrUnreadable, err)}, err
		}
		return Reply{Answer: answer, Copies: f.copies}, nil
	}
	result, err := channel.DecodeResult(f.body)
	if err == nil && !result.Suits(r.command) {
		err = fmt.Errorf("%w: %+v is no result of a %T", ErrFrame, result, r.command)
	}
	if err != nil {
		return Reply{Err: fmt.Errorf("%w: %w", ErrUnknown, err)}, err
	}
	return Reply{Result: result, Copies: f.copies, Err: result.Err}, nil
}

// find returns where in the line the request of an id is.
func (s *seat) find(id uint64) (place int, found bool) {
	return slices.BinarySearchFunc(s.requests, id, func(r *request, id uint64) int { return cmp.Compare(r.id, id) })
}

// complete ends a request.
func (s *seat) complete(r *request, reply Reply) {
	i, found := s.find(r.id)
	if !found {
		return
	}
	s.requests = slices.Delete(s.requests, i, i+1)
	s.host.waiting.Add(-1)
	s.finished = append(s.finished, finished{done: r.done, reply: reply})
}

// expire ends requests whose time is over, and tries again those that wait.
func (s *seat) expire() {
	for _, r := range slices.Clone(s.requests) {
		switch {
		case s.now < r.deadline && r.with == 0:
			s.forward(r)
		case s.now < r.deadline:
		case r.command != nil && (r.doubt || r.with != 0):
			s.complete(r, Reply{Err: ErrUnknown})
		default:
			s.complete(r, Reply{Err: ErrNotDone})
		}
	}
}

// unlink puts requests back in line that were with a peer whose link broke.
func (s *seat) unlink(instance uint64) {
	for _, r := range slices.Clone(s.requests) {
		if r.with == instance {
			r.with, r.doubt = 0, true
			s.forward(r)
		}
	}
}
