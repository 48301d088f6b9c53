package bench

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
)

// subscriber is one connection that follows a topic. It belongs to the goroutine that reads it.
type subscriber struct {
	topic    *topic
	dialect  Dialect
	clock    clock
	link     link
	steps    []Step // that are not done; none: it follows its topic
	farewell string

	decoder decoder
	chunks  *chunks // nil: the stream comes as it is
	rest    []byte  // the beginning of what has not come whole
	ledger  ledger

	wire int64 // bytes that came, the opening aside
}

// link is where a subscriber's bytes go. A short write is an error.
type link interface {
	Write(p []byte) (int, error)
	Close() error
}

// feed takes what was read, which it may change, and counts the messages in it.
func (s *subscriber) feed(data []byte, now int64, into *intake) error {
	s.wire += int64(len(data))
	into.bytes += int64(len(data))
	if s.chunks != nil {
		var err error
		if data, err = s.chunks.strip(data); err != nil {
			return err
		}
	}
	if len(s.rest) > 0 {
		s.rest = append(s.rest, data...)
		data = s.rest
	}
	for {
		message, reply, length, err := s.decoder.next(data)
		if err != nil {
			return err
		}
		if length == 0 {
			break
		}
		data = data[length:]
		if err := s.handle(message, reply, now, into); err != nil {
			return err
		}
	}
	s.rest = append(s.rest[:0], data...)
	return nil
}

// handle takes one message, or answers what was none.
func (s *subscriber) handle(message, reply []byte, now int64, into *intake) error {
	switch {
	case reply != nil:
		_, err := s.link.Write(reply)
		return err
	case message == nil:
		return nil
	case len(s.steps) > 0:
		return s.greet(message)
	}
	return s.deliver(message, now, into)
}

// greet takes a message of the opening.
func (s *subscriber) greet(message []byte) error {
	if bytes.Contains(message, []byte(s.steps[0].Hear)) {
		s.steps = s.steps[1:]
		return s.say()
	}
	if bytes.Contains(message, []byte(`"error"`)) {
		return fmt.Errorf("the server refused: %s", message)
	}
	return nil
}

// say does what the next step begins with.
func (s *subscriber) say() error {
	if len(s.steps) == 0 || s.steps[0].Say == "" {
		return nil
	}
	_, err := s.link.Write(appendFrame(nil, opText, []byte(s.steps[0].Say)))
	return err
}

// deliver counts a message of the topic.
func (s *subscriber) deliver(message []byte, now int64, into *intake) error {
	index, number, ok := parsePayload(message)
	if !ok {
		return nil
	}
	f, err := s.topic.find(index, number)
	if err != nil {
		return err
	}
	if s.ledger.take(index, number, s.dialect.Offset(message)) {
		into.latencies.add(f.arrived(number, now))
		into.fresh++
	}
	return nil
}

// leave says farewell and closes. The server may be gone.
func (s *subscriber) leave() error {
	if s.farewell == "" {
		return s.link.Close()
	}
	_, _ = s.link.Write(appendFrame(nil, opText, []byte(s.farewell)))
	return s.link.Close()
}

// intake is what one reader has taken from all its subscribers. It belongs to that reader while messages are under way.
type intake struct {
	latencies histogram
	bytes     int64
	fresh     int64
	told      *atomic.Int64 // deliveries, for the line of progress
}

// tell adds up for the line of progress, once for many messages.
func (i *intake) tell() {
	if i.fresh > 0 {
		i.told.Add(i.fresh)
		i.fresh = 0
	}
}

// reset forgets what was counted.
func (i *intake) reset() {
	i.latencies, i.bytes = histogram{}, 0
}

// errShort is a write that the kernel did not take whole: a subscriber says so little that it means a broken peer.
var errShort = errors.New("the server takes nothing")
