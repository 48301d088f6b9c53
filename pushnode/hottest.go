package pushnode

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

const (
	// hottestTime is how long the other nodes are waited for. Who does not answer is left out, and counted.
	hottestTime = 2 * time.Second
	// maxHottest bounds a list, and for each figure what a node tells of its own.
	maxHottest = 100
)

// HotFigure is what a list of the hottest is sorted by.
type HotFigure string

// The figures.
const (
	HotPublishes  HotFigure = "publishes"
	HotDeliveries HotFigure = "deliveries"
	HotQueueBytes HotFigure = "queue_bytes"
)

var hotFigures = []HotFigure{HotDeliveries, HotPublishes, HotQueueBytes}

// HotThing is what happened in a channel or app of late. What a node knows of it may be too little where it became hot lately.
type HotThing struct {
	App        string  `json:"app,omitzero"`
	Channel    string  `json:"channel,omitzero"`
	Publishes  float64 `json:"publishes_per_minute"`
	Deliveries float64 `json:"deliveries_per_minute"`
	QueueBytes int     `json:"queue_bytes"` // that wait for slow connections now
}

// Hottest are the channels and apps with the most of a figure, the most first.
type Hottest struct {
	By       HotFigure  `json:"by"`
	Channels []HotThing `json:"channels"`
	Apps     []HotThing `json:"apps,omitzero"` // where all apps were asked for
	Nodes    int        `json:"nodes"`         // that were asked
	Missing  int        `json:"missing"`       // of them, those that did not answer
}

// Hottest asks all nodes for the channels of an app with the most of a figure; with no app, for those of all, and for the apps. limit is
// at most maxHottest. Nodes that do not answer in time are counted in the answer. The error is over_capacity where too many ask.
func (n *Node) Hottest(ctx context.Context, app string, by HotFigure, limit int) (Hottest, error) {
	ctx, cancel := context.WithTimeout(ctx, hottestTime)
	defer cancel()
	if err := n.slots.lists.begin(ctx); err != nil {
		return Hottest{}, n.wireError("ask for the hottest", err)
	}
	defer n.slots.lists.end()
	answers, errs := n.askEach(ctx, question{Hottest: &hottestQuestion{App: app}})
	found := Hottest{By: by, Nodes: 1 + len(answers)}
	parts := []hottestAnswer{n.hottestHere(app)}
	for i, answered := range answers {
		if errs[i] != nil || answered.Hottest == nil {
			found.Missing++
			continue
		}
		parts = append(parts, *answered.Hottest)
	}
	var channels, apps []HotThing
	for _, part := range parts {
		channels, apps = append(channels, part.Channels...), append(apps, part.Apps...)
	}
	found.Channels = first(summed(channels), by, limit)
	if app == "" {
		found.Apps = first(summed(apps), by, limit)
		return found, nil
	}
	for i := range found.Channels {
		found.Channels[i].App = "" // whoever asks knows
	}
	return found, nil
}

// hottestHere is what this node answers: of each figure those with the most.
func (n *Node) hottestHere(app string) hottestAnswer {
	known := n.heat.look(time.Now(), n.sessions)
	if app == "" {
		return hottestAnswer{Channels: firstOfEach(known.channels), Apps: firstOfEach(known.apps)}
	}
	own := slices.DeleteFunc(slices.Clone(known.channels), func(thing HotThing) bool { return thing.App != app })
	return hottestAnswer{Channels: firstOfEach(own)}
}

// firstOfEach are those that are among the first by any figure.
func firstOfEach(things []HotThing) []HotThing {
	chosen := make(map[channel.ID]HotThing)
	for _, by := range hotFigures {
		for _, thing := range first(things, by, maxHottest) {
			chosen[thing.id()] = thing
		}
	}
	return slices.Collect(maps.Values(chosen))
}

// first are the limit things with the most of a figure, those with nothing of it left out. Equal ones stand by their names.
func first(things []HotThing, by HotFigure, limit int) []HotThing {
	sorted := slices.DeleteFunc(append([]HotThing{}, things...), func(thing HotThing) bool { return thing.figure(by) == 0 })
	slices.SortFunc(sorted, func(a, b HotThing) int {
		return cmp.Or(cmp.Compare(b.figure(by), a.figure(by)), strings.Compare(a.App, b.App), strings.Compare(a.Channel, b.Channel))
	})
	return sorted[:min(limit, len(sorted))]
}

// summed adds up what several nodes know of the same things.
func summed(parts []HotThing) []HotThing {
	sums := make(map[channel.ID]HotThing)
	for _, part := range parts {
		sum := sums[part.id()]
		part.Publishes += sum.Publishes
		part.Deliveries += sum.Deliveries
		part.QueueBytes += sum.QueueBytes
		sums[part.id()] = part
	}
	return slices.Collect(maps.Values(sums))
}

func (t HotThing) id() channel.ID { return channel.ID{App: t.App, Name: t.Channel} }

func (t HotThing) figure(by HotFigure) float64 {
	switch by {
	case HotPublishes:
		return t.Publishes
	case HotQueueBytes:
		return float64(t.QueueBytes)
	default:
		return t.Deliveries
	}
}

// parseHotFigure reads the name of a figure; "": deliveries.
func parseHotFigure(text string) (HotFigure, error) {
	if text == "" {
		return HotDeliveries, nil
	}
	if figure := HotFigure(text); slices.Contains(hotFigures, figure) {
		return figure, nil
	}
	return "", wire.Errorf(wire.CodeInvalidField, "by is %.40q: publishes, deliveries or queue_bytes is wanted", text)
}
