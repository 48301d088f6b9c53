package host

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"halley/pushnode/channel"
)

func drawRoute(t *rapid.T) route {
	return route{
		leader: rapid.Uint64().Draw(t, "leader"), generation: rapid.Uint32().Draw(t, "generation"), term: rapid.Uint64().Draw(t, "term"),
		applied: rapid.Uint64().Draw(t, "applied"), agreed: rapid.Bool().Draw(t, "agreed"),
		voters: drawInstances(t, "voters"), learners: drawInstances(t, "learners"),
	}
}

// drawInstances is nil where there are none: so a decoder has it.
func drawInstances(t *rapid.T, name string) []uint64 {
	list := rapid.SliceOfN(rapid.Uint64(), 0, 6).Draw(t, name)
	if len(list) == 0 {
		return nil
	}
	return list
}

func drawChannel(t *rapid.T) channel.ID {
	return channel.ID{App: rapid.StringN(0, 10, -1).Draw(t, "app"), Name: rapid.StringN(0, 30, -1).Draw(t, "name")}
}

func drawEach[T any](t *rapid.T, draw func(*rapid.T) T) (list []T) {
	for range rapid.IntRange(1, 5).Draw(t, "count") {
		list = append(list, draw(t))
	}
	return list
}

// reads checks that a frame is read as what was written, up to its end.
func reads[T any](t *rapid.T, r *frameReader, got, want T) {
	t.Helper()
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

// open checks and takes off what every frame but routes begins with.
func open(t *rapid.T, frame []byte, want kind, slot int) *frameReader {
	r := readFrame(frame)
	if got := kind(r.Byte()); got != want {
		t.Fatalf("got kind %d, want %d", got, want)
	}
	if got := r.Number(); got != uint64(slot) {
		t.Fatalf("got slot %d, want %d", got, slot)
	}
	return r
}

func TestFrames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		slot := rapid.IntRange(0, 1023).Draw(t, "slot")
		body := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "body")

		asked := requestFrame{origin: rapid.Uint64().Draw(t, "origin"), id: rapid.Uint64().Draw(t, "id"), query: rapid.Bool().Draw(t, "query"),
			relay: rapid.Bool().Draw(t, "relay"), body: body}
		r := open(t, asked.append(slot), kindRequest, slot)
		reads(t, r, r.request(), asked)

		done := replyFrame{origin: asked.origin, id: asked.id, verdict: verdictDone, copies: rapid.IntRange(0, 255).Draw(t, "copies"), body: body}
		r = open(t, done.append(slot), kindReply, slot)
		reads(t, r, r.reply(), done)

		refused := replyFrame{origin: asked.origin, id: asked.id, route: drawRoute(t),
			verdict: rapid.SampledFrom([]verdict{verdictNotLeader, verdictLost, verdictOverloaded, verdictUnreadable, verdictNoQuorum}).Draw(t, "verdict")}
		r = open(t, refused.append(slot), kindReply, slot)
		reads(t, r, r.reply(), refused)

		led := drawEach(t, func(t *rapid.T) slotRoute {
			return slotRoute{slot: rapid.IntRange(0, 0xffff).Draw(t, "led"), route: drawRoute(t)}
		})
		r = readFrame(appendRoutes(led)[1:])
		reads(t, r, r.routes(), led)
	})
}

func TestFramesOfChannels(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Bool().Draw(t, "whole")
		ids := drawEach(t, drawChannel)
		r := open(t, appendChannels(beginFrame(kindFollow, 7, 0), whole, ids), kindFollow, 7)
		gotWhole, got := r.channels()
		reads(t, r, got, ids)

		heads := drawEach(t, func(t *rapid.T) head {
			epoch := channel.Epoch{Cluster: rapid.Uint64().Draw(t, "cluster"), Generation: rapid.Uint32().Draw(t, "generation"),
				Incarnation: rapid.Uint64().Draw(t, "incarnation")}
			return head{id: drawChannel(t), position: channel.Position{Epoch: epoch, Offset: rapid.Uint64().Draw(t, "offset")},
				version: rapid.Uint64().Draw(t, "version")}
		})
		r = open(t, appendHeads(beginFrame(kindHeads, 7, 0), heads), kindHeads, 7)
		reads(t, r, r.heads(), heads)

		counts := drawEach(t, func(t *rapid.T) subscribers {
			return subscribers{id: drawChannel(t), count: rapid.IntRange(0, 1<<31).Draw(t, "subscribers")}
		})
		r = open(t, appendOccupancy(beginFrame(kindOccupancy, 7, 0), whole, counts), kindOccupancy, 7)
		countedWhole, counted := r.occupancy()
		reads(t, r, counted, counts)
		if gotWhole != whole || countedWhole != whole {
			t.Fatalf("whole %v is read as %v and %v", whole, gotWhole, countedWhole)
		}
	})
}
