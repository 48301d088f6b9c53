package pushnode

import (
	"context"
	"sync"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
	"halley/pushnode/session"
	"halley/pushnode/wire"
	"halley/tenant"
)

// nothingToTell is the answer to a call that was done and asked for nothing.
const nothingToTell = "{}"

// pusherEvent is POST /apps/{number}/events: one event for up to a hundred channels.
func (n *Node) pusherEvent(ctx context.Context, call pusherCall) ([]byte, error) {
	event, err := pusher.DecodeEvent(call.body, call.eventBytes())
	if err != nil {
		return nil, err
	}
	if err := n.publishEvents(ctx, call.app, []pusher.Event{event}); err != nil {
		return nil, err
	}
	if event.Info == 0 {
		return []byte(nothingToTell), nil
	}
	told, err := n.pusherInfos(ctx, call.app.ID, event.Channels, event.Info)
	if err != nil {
		return nil, err
	}
	return pusher.AppendChannels(nil, told, event.Info), nil
}

// pusherBatch is POST /apps/{number}/batch_events: up to ten events for one channel each.
func (n *Node) pusherBatch(ctx context.Context, call pusherCall) ([]byte, error) {
	events, err := pusher.DecodeBatch(call.body, call.eventBytes())
	if err != nil {
		return nil, err
	}
	if err := n.publishEvents(ctx, call.app, events); err != nil {
		return nil, err
	}
	names, infos, asked := make([]string, len(events)), make([]pusher.Info, len(events)), pusher.Info(0)
	for i, event := range events {
		names[i], infos[i] = event.Channels[0], event.Info
		asked |= event.Info
	}
	if asked == 0 {
		return []byte(nothingToTell), nil
	}
	told, err := n.pusherInfos(ctx, call.app.ID, names, asked)
	if err != nil {
		return nil, err
	}
	return pusher.AppendBatch(nil, told, infos), nil
}

// pusherText is POST /apps/{number}/channels/{channel}/events, which old libraries send.
func (n *Node) pusherText(ctx context.Context, call pusherCall) ([]byte, error) {
	event, err := pusher.DecodeText(call.target.Name, call.request.Query, call.body, call.eventBytes())
	if err != nil {
		return nil, err
	}
	return []byte(nothingToTell), n.publishEvents(ctx, call.app, []pusher.Event{event})
}

// publishEvents takes events of a server. Limits refuse all of them or none, so that a call which was told to come back can be repeated. That a
// slot fails meanwhile can leave some of them published.
func (n *Node) publishEvents(ctx context.Context, app *tenant.AppView, events []pusher.Event) error {
	lines := linesOf(app, events)
	err := n.roomForLines(ctx, app, lines)
	if err == nil {
		err = n.appendLines(ctx, app, lines)
	}
	if err != nil {
		n.metrics.refused(err)
	}
	return err
}

// line is what one call publishes to one channel, in its order.
type line struct {
	id      channel.ID
	rule    channel.Rule
	publish []session.Publish
}

// linesOf sorts events by channel.
func linesOf(app *tenant.AppView, events []pusher.Event) []line {
	var lines []line
	at := make(map[string]int)
	for _, event := range events {
		data := pusher.DataOf(event.Data)
		for _, name := range event.Channels {
			i, found := at[name]
			if !found {
				i, at[name] = len(lines), len(lines)
				lines = append(lines, line{id: channel.ID{App: app.ID, Name: name}, rule: ruleFor(app, name)})
			}
			lines[i].publish = append(lines[i].publish, session.Publish{
				Channel: name, Event: event.Name, Data: data, Exclude: event.SocketID,
			})
		}
	}
	return lines
}

// roomForLines applies what bounds publications, to all of them together.
func (n *Node) roomForLines(ctx context.Context, app *tenant.AppView, lines []line) error {
	if err := n.guard.publish(time.Now()); err != nil {
		return err
	}
	count := 0
	for _, line := range lines {
		for _, publish := range line.publish {
			if err := n.fits(ctx, app, line.id, line.rule, publish); err != nil {
				return err
			}
		}
		count += len(line.publish)
	}
	if count > app.Limits.Batch {
		return wire.Errorf(wire.CodeInvalidField, "the call publishes %d messages; the limit %s is %d",
			count, tenant.LimitBatch, app.Limits.Batch)
	}
	if refusal := n.limiter.Publish(app, count, time.Now()); refusal != nil {
		return limitError(refusal)
	}
	return nil
}

// appendLines publishes to all channels at the same time, and to each in order. The error is that of the first channel that has one.
func (n *Node) appendLines(ctx context.Context, app *tenant.AppView, lines []line) error {
	errs := make([]error, len(lines))
	eachAtOnce(len(lines), func(i int) {
		for _, publish := range lines[i].publish {
			if _, errs[i] = n.append(ctx, lines[i].id, lines[i].rule, publish); errs[i] != nil {
				return
			}
		}
	})
	return firstError(errs)
}

// eachAtOnce does something count times at once, of which there are at most some hundred, and waits for all. One is done without a
// goroutine.
func eachAtOnce(count int, do func(i int)) {
	if count == 1 {
		do(0)
		return
	}
	var doing sync.WaitGroup
	for i := range count {
		doing.Go(func() { do(i) })
	}
	doing.Wait()
}
