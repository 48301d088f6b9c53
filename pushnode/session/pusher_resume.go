package session

import (
	"slices"

	"halley/pushnode/pusher"
	"halley/pushnode/wire"
)

// placedParameter of a request, with the value 1, asks for frames that say where they stand. Clients that resume send it (web/js/src/pusher.ts).
const placedParameter = "halley"

// start is where a subscription begins: behind the last event that the client knows, or else with the last few, where its app wants that. A
// cache channel has a memory of its own. Where refusal is not nil it is the answer.
func (c *pusherClient) start(command pusher.Command) (start wire.Command, refusal []byte) {
	kind := pusher.KindOf(command.Channel)
	start = wire.Command{Channel: command.Channel, Presence: kind.Is(pusher.Presence)}
	if command.Resume.Since == "" {
		if !kind.Is(pusher.Cache) {
			start.Rewind = c.app.Rewind
		}
		return start, nil
	}
	since, fault := wire.ParsePosition(command.Resume.Since)
	if fault != nil {
		return start, appendPusherRefusal(nil, command.Channel, fault)
	}
	start.Since = &since
	if ids := command.Resume.EarlierIDs(); len(ids) > 0 {
		c.earlier.Store(&ids)
	}
	return start, nil
}

// was reports whether the client had that socket id before.
func (c *pusherClient) was(id string) bool {
	earlier := c.earlier.Load()
	return earlier != nil && slices.Contains(*earlier, id)
}
