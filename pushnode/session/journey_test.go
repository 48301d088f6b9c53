package session_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"halley/pushnode/channel"
)

// traveller is a client that changes its transport again and again, with nothing but its cursor and its resume token, while
// somebody publishes. It must see every message of its channels once, in order.
type traveller struct {
	*house
	tb     testing.TB
	random *rand.Rand
	names  []string
	resume string
	at     map[string]string // position by channel
	seen   map[string]int    // the last message by channel
}

func TestTransportsChangeInMidStream(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			travel(t, seed)
		})
	}
}

func travel(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	h := openSockets(t, func(c *sessionConfig, n *node) {
		c.QueueMessages = 1 + random.IntN(20) // small queues: often behind
		n.rule.Retention.Messages = 10_000
		if seed%2 == 1 {
			n.lose = func(channel.Effect) bool { return false }
		}
	})
	const total = 600
	names := []string{"a", "b", "c"}
	traveller := &traveller{house: h, tb: t, random: random, names: names, at: map[string]string{}, seen: map[string]int{}}
	for _, name := range names {
		traveller.at[name] = h.publish(t, name, "0").String()
	}
	if seed%2 == 1 { // deliveries that are lost on their way
		losses := rand.New(rand.NewPCG(seed, 2))
		h.set(func() { h.lose = func(channel.Effect) bool { return losses.IntN(10) == 0 } })
	}
	var publisher sync.WaitGroup
	publisher.Go(func() {
		pause := time.NewTicker(time.Millisecond)
		defer pause.Stop()
		for i := 1; i <= total; i++ {
			for _, name := range names {
				h.publish(t, name, fmt.Sprint(i))
			}
			<-pause.C
		}
		// What is lost at the very end is found by the next delivery: there is one more, which is not.
		h.set(func() { h.lose = nil })
		for _, name := range names {
			h.publish(t, name, fmt.Sprint(total+1))
		}
	})
	defer publisher.Wait()
	for end := time.Now().Add(60 * time.Second); !traveller.arrived(total + 1); {
		if time.Now().After(end) {
			t.Fatalf("not there yet: %v", traveller.seen)
		}
		switch random.IntN(3) {
		case 0:
			traveller.bySocket()
		case 1:
			traveller.byStream()
		default:
			traveller.byPoll()
		}
	}
}

func (v *traveller) arrived(total int) bool {
	for _, name := range v.names {
		if v.seen[name] != total {
			return false
		}
	}
	return true
}

// query names the session, or begins one, and says where the client stands.
func (v *traveller) query() string {
	var items []string
	for _, name := range v.names {
		items = append(items, name+"*"+v.at[name])
	}
	session := v.resume
	if session == "" || v.random.IntN(5) == 0 { // now and then the session is lost
		session = "new"
	}
	return "session=" + session + "&cursor=" + escape(strings.Join(items, "~"))
}

// take takes a push.
func (v *traveller) take(op string, push object) {
	v.tb.Helper()
	name := push.text("channel")
	switch op {
	case "connected":
		v.resume = push.text("resume")
		return
	case "subscribed":
		if push["recovered"] != true {
			v.tb.Fatalf("continuity was lost: %v", push)
		}
		return
	case "message":
	case "ping":
		return
	default:
		v.tb.Fatalf("got %s %v", op, push)
	}
	if want := fmt.Sprint(v.seen[name] + 1); push.text("data") != want {
		v.tb.Fatalf("channel %s: got %q, want %q", name, push.text("data"), want)
	}
	v.seen[name]++
	v.at[name] = fmt.Sprintf("%s:%d", push.text("epoch"), push.number("offset"))
}

func (v *traveller) enough() int { return 1 + v.random.IntN(150) }

// bySocket reads some frames and drops the connection, without a close as often as not.
func (v *traveller) bySocket() {
	v.tb.Helper()
	query := strings.Replace(v.query(), "session=new&", "", 1)
	s := v.connect("key=hl_pk_a&" + query)
	for range v.enough() {
		frame := s.next()
		v.take(frame.text("op"), frame)
		if v.arrived(601) {
			break
		}
	}
	if v.random.IntN(2) == 0 {
		s.hangUp()
	}
}

func (v *traveller) byStream() {
	v.tb.Helper()
	s, connected := v.follow("&"+v.query(), "")
	v.take(connected.name, connected.data)
	for range v.enough() {
		one, err := s.read()
		if err != nil {
			v.tb.Fatal(err)
		}
		v.take(one.name, one.data)
		if v.arrived(601) {
			break
		}
	}
	if v.random.IntN(2) == 0 {
		s.hangUp()
	}
}

func (v *traveller) byPoll() {
	v.tb.Helper()
	for range 1 + v.random.IntN(4) {
		if v.arrived(601) {
			return
		}
		answer := v.poll("wait=1s&" + v.query())
		if connected, found := answer["connected"].(map[string]any); found {
			v.take("connected", connected)
		}
		if gaps, _ := answer["gaps"].([]any); len(gaps) > 0 {
			v.tb.Fatalf("got gaps %v", gaps)
		}
		list, _ := answer["messages"].([]any)
		for _, message := range list {
			v.take("message", message.(map[string]any))
		}
	}
}
