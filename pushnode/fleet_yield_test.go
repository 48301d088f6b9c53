package pushnode_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestClustersFoundedApart has two clusters of one deployment meet. The nodes of the smaller one go over to the other, with all that was
// acknowledged there: each publication is in the history of the other then, once, after what that had.
func TestClustersFoundedApart(t *testing.T) {
	t.Parallel()
	fleetInBubble(t, 3, func(t *testing.T, f *fleet) {
		apart := f.begin(t, "apart", nil, nil)
		a := f.newApp(t, "ada", nil)
		const messages, rooms = 20, 5
		want := make(map[string][]string)
		for i := range messages {
			for room := range rooms {
				name := fmt.Sprint("room", room)
				a.publish(t, name, fmt.Sprint("here ", i))
				a.on(apart).publish(t, name, fmt.Sprint("there ", i))
			}
		}
		for room := range rooms {
			name := fmt.Sprint("room", room)
			for _, side := range []string{"here ", "there "} {
				for i := range messages {
					want[name] = append(want[name], fmt.Sprint(side, i))
				}
			}
		}
		stream := apart.follow(t, a.publishable, "channel=room0")
		f.begin(t, "between", []string{f.nodes[0].cluster.Self().Gossip.String(), apart.cluster.Self().Gossip.String()}, nil)
		var told sync.WaitGroup
		told.Go(func() { stream.next("drain") })
		again := apart.goOver(t)
		told.Wait()
		f.awaitLevel(t)
		f.await(t, "not all was taken along", func() bool {
			for name, list := range want {
				if got := a.on(again).texts(t, name); !slices.Equal(got, list) {
					return false
				}
			}
			return true
		})
		a.on(again).publish(t, "room0", "on")
		if got := a.texts(t, "room0"); got[len(got)-1] != "on" {
			t.Errorf("the last of %v is not what was published last", got)
		}
	})
}

// goOver does what the process of a node does that belongs to another cluster.
func (m *member) goOver(t *testing.T) *member {
	t.Helper()
	<-m.Yields()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := m.Drain(ctx); err != nil {
		t.Errorf("drain: %v", err)
	}
	if err := m.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := m.cluster.Leave(ctx); err != nil {
		t.Errorf("leave: %v", err)
	}
	legacy := m.Legacy()
	m.kill()
	return m.fleet.begin(t, m.name, legacy.Peers, legacy)
}

// texts is the history of a channel, oldest first.
func (a *app) texts(t *testing.T, name string) (texts []string) {
	t.Helper()
	for _, message := range a.history(t, name) {
		texts = append(texts, message.text("data"))
	}
	return texts
}
