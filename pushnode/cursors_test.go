package pushnode_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"halley/pushnode/channel"
)

// missed publishes on channels, one message each, and returns what they are, as channel and offset.
func (a *app) missed(t *testing.T, names ...string) []string {
	t.Helper()
	var list []string
	for _, name := range names {
		list = append(list, fmt.Sprint(name, a.publish(t, name, 1).number("offset")))
	}
	slices.Sort(list)
	return list
}

// take returns the next so many messages, sorted: channels are not ordered among each other.
func take(next func() object, count int) []string {
	var list []string
	for range count {
		message := next()
		list = append(list, fmt.Sprint(message.text("channel"), message.number("offset")))
	}
	slices.Sort(list)
	return list
}

// TestCursorsOfManyChannels follows three channels by event stream and by poll in turns, with nothing but the cursor from one to
// the next: each goes on in each channel where the one before it stood.
func TestCursorsOfManyChannels(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	const names = "channel=a&channel=b&channel=c"
	a.missed(t, "a", "b", "b", "c")
	first := a.node.follow(t, a.publishable, names)
	for range 3 {
		first.next("subscribed")
	}
	if got, want := strings.Count(first.id, "~"), 2; got != want {
		t.Fatalf("the id %q is not a cursor over three channels", first.id)
	}
	live := a.missed(t, "b", "a")
	if got := take(first.message, 2); !slices.Equal(got, live) {
		t.Fatalf("live come %v, want %v", got, live)
	}
	cursor := first.id
	first.end()
	for round, pattern := range [][]string{{"a", "c", "c"}, {"b"}, {"c", "b", "a", "a", "a"}, {"a"}, {"b", "c"}} {
		want := a.missed(t, pattern...)
		var got []string
		if round%2 == 0 {
			s := a.node.followAfter(t, a.publishable, names+"&cursor=a*zzz-0-1:1", cursor) // the header counts
			got = take(s.message, len(want))
			live := a.missed(t, "b")
			if more := take(s.message, 1); !slices.Equal(more, live) {
				t.Fatalf("round %d: after what was missed comes %v, want %v", round, more, live)
			}
			cursor = s.id
			s.end()
		} else {
			p := &poller{node: a.node, tb: t, base: "/v1/poll?" + names + "&key=" + a.publishable, cursor: cursor}
			got = take(p.message, len(want))
			if more := p.once("0s"); len(more.list("messages"))+len(more.list("gaps")) > 0 {
				t.Fatalf("round %d: after what was missed comes %v", round, more)
			}
			cursor = p.cursor
		}
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: got %v, want %v", round, got, want)
		}
	}
	// A cursor brings its channels; one that only the request names begins where it is.
	a.missed(t, "a", "d")
	p := &poller{node: a.node, tb: t, base: "/v1/poll?channel=d&key=" + a.publishable, cursor: cursor}
	if got := take(p.message, 1); got[0][0] != 'a' {
		t.Errorf("got %v, want what channel a has", got)
	}
	if strings.Count(p.cursor, "~") != 3 {
		t.Errorf("the cursor is %q, want one over four channels", p.cursor)
	}
}

// TestPositionsOutliveTheirChannel comes back to a channel whose messages have all grown old: it goes on where it was.
func TestPositionsOutliveTheirChannel(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, n *node) {
		a := n.newApp(t, "ada", nil)
		retention := channel.DefaultRetention
		retention.Age = time.Second
		a.rule(t, channel.Rule{Public: true, Retention: retention})
		var at string
		for range 3 {
			held := a.publish(t, "news", 1)
			at = fmt.Sprintf("%s:%d", held.text("epoch"), held.number("offset"))
		}
		pass(10 * time.Second)
		if held := a.history(t, "news"); len(held) != 0 {
			t.Fatalf("the history is %v", held)
		}
		p := &poller{node: n, tb: t, base: "/v1/poll?channel=news&key=" + a.publishable, cursor: at}
		if got := p.once("0s"); len(got.list("gaps")) != 0 || got.text("cursor") != at {
			t.Errorf("at the head of a channel that holds nothing: %v", got)
		}
		a.publish(t, "news", "live")
		if got := p.message(); got.number("offset") != 4 {
			t.Errorf("it goes on with %v, want offset 4", got)
		}
		behind := url.QueryEscape(strings.TrimSuffix(at, "3") + "1")
		got := n.call(t, "GET", "/v1/poll?channel=news&wait=0s&key="+a.publishable+"&cursor="+behind, "", "").JSON
		gaps := got.list("gaps")
		if len(gaps) != 1 || gaps[0].text("reason") != "evicted" || gaps[0].number("from") != 2 || gaps[0].number("to") != 3 {
			t.Errorf("behind what has grown old: %v, want one gap evicted of 2 to 3", got)
		}
	})
}
