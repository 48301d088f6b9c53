package pushnode

import (
	"context"
	"errors"
	"sync"
	"time"

	"halley/pushnode/host"
	"halley/pushnode/wire"
)

const (
	// askAgain is how long after a call that did not get through a node is asked again.
	askAgain = 100 * time.Millisecond
	// maxAsked bounds the questions of other nodes that are being answered. Beyond it they are told to come back.
	maxAsked = 256
)

// asked is questions of other nodes on their way to whoever answers them.
type asked struct {
	waiting chan askedBy
	turn    sync.Mutex // held while something large is put in line for a node: who saw room for it must find it
}

// askedBy is one question of another node.
type askedBy struct {
	from, id uint64
	question []byte
}

func newAsked() *asked { return &asked{waiting: make(chan askedBy, maxAsked)} }

// add puts a question in line, and reports whether there was room.
func (a *asked) add(one askedBy) bool {
	select {
	case a.waiting <- one:
		return true
	default:
		return false
	}
}

// answerPeers answers what other nodes ask, until ctx ends.
func (n *Node) answerPeers(ctx context.Context) {
	var answering sync.WaitGroup
	defer answering.Wait()
	room := make(chan struct{}, maxAsked)
	for {
		select {
		case <-ctx.Done():
			return
		case one := <-n.slots.asked.waiting:
			room <- struct{}{}
			answering.Go(func() {
				defer func() { <-room }()
				answer := encodePeer(n.answerTo(ctx, one.question))
				if !n.whenRoom(ctx, one.from, answer, func() { n.slots.host.Answer(one.from, one.id, answer) }) {
					n.slots.host.Answer(one.from, one.id, encodePeer(peerAnswer{Err: peerErrorOf(errElsewhere)}))
				}
			})
		}
	}
}

func (n *Node) answerTo(ctx context.Context, data []byte) (answered peerAnswer) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	asked, err := decodeQuestion(data)
	switch {
	case err != nil:
	case asked.Disconnect != nil:
		q := asked.Disconnect
		answered.Ended = n.sessions.Disconnect(ctx, q.App, q.ClientID, q.Session, wire.NewError(wire.CodeDisconnected))
	case asked.Commands != nil:
		answered.Body, err = n.sessions.Relayed(ctx, asked.Commands.Credential, asked.Commands.Body)
	case asked.Hottest != nil:
		here := n.hottestHere(asked.Hottest.App)
		answered.Hottest = &here
	case asked.Conversation != nil:
		answered.Conversation, err = n.answerConversation(ctx, *asked.Conversation)
	default:
		err = wire.Errorf(wire.CodeUnavailable, "the node that holds this runs another version")
	}
	if err != nil {
		return peerAnswer{Err: peerErrorOf(n.wireError("answer another node", err))}
	}
	return answered
}

// errElsewhere is what a client is told where another node does not answer.
var errElsewhere = wire.Errorf(wire.CodeUnavailable, "not known to be done: a node of this cluster does not answer, try again").
	After(retryUnavailable)

const (
	// roomBytes is how much may wait for a node before something large is put in line behind it.
	roomBytes = 4 << 20
	// lookForRoom is how often it is looked whether that is so.
	lookForRoom = 10 * time.Millisecond
)

// whenRoom sends what is large when little else waits for the node, and reports whether it was sent within requestTime. A link ends whose
// queue overflows, and with it everything between two nodes, of all apps; how much clients have nodes tell each other is for clients to
// say: a few requests for pages of history are enough.
func (n *Node) whenRoom(ctx context.Context, to uint64, body []byte, send func()) bool {
	if host.CallClass(body) != host.Bulk {
		send()
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	retry := time.NewTicker(lookForRoom)
	defer retry.Stop()
	for !n.sendIfRoom(to, send) {
		select {
		case <-retry.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (n *Node) sendIfRoom(to uint64, send func()) bool {
	n.slots.asked.turn.Lock()
	defer n.slots.asked.turn.Unlock()
	if n.slots.Queued(to, host.Bulk) > roomBytes {
		return false
	}
	send()
	return true
}

// ask asks another node once.
func (n *Node) ask(ctx context.Context, to uint64, what question) (peerAnswer, error) {
	type outcome struct {
		data []byte
		err  error
	}
	answered := make(chan outcome, 1)
	deadline := n.slots.clock.now() + requestTime.Milliseconds()
	data := encodePeer(what)
	if !n.whenRoom(ctx, to, data, func() {
		n.slots.host.Call(to, data, deadline, func(data []byte, err error) { answered <- outcome{data, err} })
	}) {
		return peerAnswer{}, errElsewhere
	}
	select {
	case got := <-answered:
		if got.err != nil {
			return peerAnswer{}, errElsewhere.Because(got.err)
		}
		return decodePeerAnswer(got.data)
	case <-ctx.Done():
		return peerAnswer{}, errElsewhere.Because(ctx.Err())
	}
}

// askAll asks all other nodes what does no harm twice, each until it answers, is no member any more or ctx ends: then it is an error.
func (n *Node) askAll(ctx context.Context, what question) ([]peerAnswer, error) {
	answers, errs := n.askEach(ctx, what)
	return answers, errors.Join(errs...)
}

// askEach is askAll with an answer or an error for each node.
func (n *Node) askEach(ctx context.Context, what question) (answers []peerAnswer, errs []error) {
	others := n.others()
	answers, errs = make([]peerAnswer, len(others)), make([]error, len(others))
	var asking sync.WaitGroup
	for i, other := range others {
		asking.Go(func() { answers[i], errs[i] = n.askUntil(ctx, other, what) })
	}
	asking.Wait()
	return answers, errs
}

func (n *Node) askUntil(ctx context.Context, to uint64, what question) (peerAnswer, error) {
	retry := time.NewTicker(askAgain)
	defer retry.Stop()
	for {
		answered, err := n.ask(ctx, to, what)
		if err == nil || !errors.Is(err, host.ErrUnreached) {
			return answered, err
		}
		if !n.isMember(to) {
			return peerAnswer{}, nil // with it went what it held
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return peerAnswer{}, err
		}
	}
}

// others are the instances of the other nodes of this cluster.
func (n *Node) others() (list []uint64) {
	if n.peers == nil {
		return nil
	}
	for _, member := range n.peers.fellows() {
		if member.Instance != n.instance {
			list = append(list, member.Instance)
		}
	}
	return list
}

func (n *Node) isMember(instance uint64) bool {
	for _, one := range n.others() {
		if one == instance {
			return true
		}
	}
	return false
}
