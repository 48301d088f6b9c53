package session

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

func messageItem(sub *subscription, offset uint64, size int) item {
	message := &wire.Message{Channel: "news", Data: []byte(`"` + strings.Repeat("x", size) + `"`), Epoch: "1-0-1", Offset: offset}
	return item{shared: wire.Share(message), sub: sub}
}

// Whatever is put in and taken out, the bounds hold, order is kept, and each message is delivered, refused, or counted as dropped.
func TestOutboxAgainstItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom([]channel.Policy{channel.PolicyResume, channel.PolicyLatest, channel.PolicyLossy}).Draw(t, "policy")
		o := new(outbox).init(4096, 8, alarm(nil))
		subs := []*subscription{{}, {}, {}}
		offered, got, dropped, last := make([]int, 3), make([]int, 3), make([]uint64, 3), make([]uint64, 3)
		drops := make([]int, 3)
		inHand := false // somebody is to flush, or to take what is left
		take := func() {
			defer func() {
				count, _ := o.queued()
				inHand = count > 0
			}()
			for _, one := range o.take(1500) {
				i := indexOf(subs, one.sub)
				dropped[i] += one.dropped
				one.each(func(one *item) {
					message := one.message()
					if message == nil {
						return
					}
					if message.Offset <= last[i] {
						t.Fatalf("offset %d came after %d", message.Offset, last[i])
					}
					last[i] = message.Offset
					got[i]++
				})
			}
			o.wrote()
		}
		offer := func(t *rapid.T) {
			i := rapid.SampledFrom([]int{0, 0, 0, 0, 1, 1, 2}).Draw(t, "sub")
			offset := uint64(offered[i] + 1)
			verdict, urgency, lost := o.offer(messageItem(subs[i], offset, rapid.IntRange(1, 900).Draw(t, "size")), policy)
			if urgency == noted && verdict != refused && !inHand {
				t.Fatal("nobody sees to what was put in")
			}
			drops[i] += lost
			count, bytes := o.queued()
			if half := 2*count >= 8 || 2*bytes >= 4096; half && verdict == accepted && urgency != pressing {
				t.Fatalf("%d things with %d bytes wait, and nothing presses", count, bytes)
			}
			inHand = inHand || urgency != noted
			if verdict == refused && policy != channel.PolicyResume {
				t.Fatalf("policy %s refuses", policy)
			}
			if verdict != refused {
				offered[i]++
			}
		}
		offerBatch := func(t *rapid.T) {
			i := rapid.IntRange(0, 2).Draw(t, "sub")
			var messages []outgoing
			for range rapid.IntRange(2, 5).Draw(t, "messages") {
				one := messageItem(subs[i], uint64(offered[i]+len(messages)+1), rapid.IntRange(1, 300).Draw(t, "size"))
				messages = append(messages, outgoing{text: one.shared})
			}
			if taken, urgency := o.offerBatch(item{batch: batchOf(messages), sub: subs[i]}); taken {
				offered[i] += len(messages)
				if urgency == noted && !inHand {
					t.Fatal("nobody sees to what was put in")
				}
				inHand = true
			}
		}
		cull := func(t *rapid.T) {
			i := rapid.IntRange(0, 2).Draw(t, "sub")
			went := o.cull(subs[i], policy)
			switch {
			case went.messages == 0:
			case policy == channel.PolicyResume: // they come again, from history
				if int(went.first)+went.messages != offered[i]+1 {
					t.Fatalf("%d from %d on went of %d", went.messages, went.first, offered[i])
				}
				offered[i] = int(went.first) - 1
			default:
				drops[i] += went.messages
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"batch": offerBatch, "cull": cull,
			"offer": offer, "offer again": offer, "offer more": offer, "offer still more": offer,
			"take": func(*rapid.T) { take() },
			"": func(t *rapid.T) {
				count, bytes := o.queued()
				// Beside what fits: under latest the newest message of each channel, under lossy one marker of each.
				if count > 8+len(subs) || bytes > 4096+len(subs)*1200 || policy == channel.PolicyLossy && bytes > 4096 {
					t.Fatalf("%d things with %d bytes wait", count, bytes)
				}
			},
		})
		for count, _ := o.queued(); count > 0; count, _ = o.queued() {
			take()
		}
		for i := range subs {
			lost := offered[i] - got[i]
			if lost != drops[i] {
				t.Fatalf("%s: %d of %d are lost, and %d are said to be", policy, lost, offered[i], drops[i])
			}
			if policy == channel.PolicyResume && lost != 0 || policy == channel.PolicyLossy && uint64(lost) != dropped[i] {
				t.Fatalf("%s: %d offered, %d delivered, %d told dropped", policy, offered[i], got[i], dropped[i])
			}
			if policy == channel.PolicyLatest && offered[i] > 0 && last[i] != uint64(offered[i]) {
				t.Fatalf("the latest is %d, got %d", offered[i], last[i])
			}
		}
	})
}

func indexOf(subs []*subscription, sub *subscription) int {
	for i := range subs {
		if subs[i] == sub {
			return i
		}
	}
	return -1
}

// A subscription is fed only when what it has in the queue is written, and not before its time.
func TestOutboxFeedsBehindTheQueue(t *testing.T) {
	o := new(outbox).init(1<<20, 100, alarm(nil))
	one, two := &subscription{}, &subscription{}
	now := time.Now()
	o.offer(messageItem(one, 1, 10), channel.PolicyResume)
	o.hungry(one, time.Time{})
	o.hungry(two, now.Add(time.Second))
	if sub, _ := o.nextBehind(now); sub != nil {
		t.Error("fed before what waits was written")
	}
	o.offer(messageItem(two, 1, 10), channel.PolicyResume)
	o.take(1)
	if sub, _ := o.nextBehind(now); sub != one {
		t.Error("what is written is not fed")
	}
	if sub, again := o.nextBehind(now); sub != nil || again != now.Add(time.Second) {
		t.Error("a later feeding is forgotten or too early")
	}
	if sub, _ := o.nextBehind(now.Add(time.Second)); sub != two {
		t.Error("a later feeding does not come")
	}
	if o.starving() {
		t.Error("something is left")
	}
}

func TestAbandonedOutboxTakesNothing(t *testing.T) {
	o := new(outbox).init(1<<20, 100, alarm(nil))
	sub := &subscription{}
	o.offer(messageItem(sub, 1, 10), channel.PolicyResume)
	if left := o.abandon(); len(left) != 1 {
		t.Errorf("%d things are left, want 1", len(left))
	}
	o.push(frameItem([]byte("x")))
	o.hungry(sub, time.Time{})
	if verdict, _, _ := o.offer(messageItem(sub, 2, 10), channel.PolicyLossy); verdict != refused || o.tryPush(frameItem([]byte("x"))) {
		t.Error("something was taken")
	}
	if count, bytes := o.queued(); count != 0 || bytes != 0 || o.fullLocked() || o.starving() || len(o.abandon()) != 0 {
		t.Errorf("%d things with %d bytes wait", count, bytes)
	}
}

// A message larger than the whole queue goes through where nothing waits.
func TestOutboxTakesOneThatIsTooLarge(t *testing.T) {
	o := new(outbox).init(100, 10, alarm(nil))
	sub := &subscription{}
	if verdict, _, _ := o.offer(messageItem(sub, 1, 500), channel.PolicyResume); verdict != accepted {
		t.Errorf("got %d", verdict)
	}
	o.take(10)
	if verdict, _, _ := o.offer(messageItem(sub, 2, 1), channel.PolicyResume); verdict != refused {
		t.Errorf("got %d while it is being written", verdict)
	}
	o.wrote()
	if verdict, _, _ := o.offer(messageItem(sub, 2, 1), channel.PolicyResume); verdict != accepted {
		t.Errorf("got %d after it was written", verdict)
	}
}
