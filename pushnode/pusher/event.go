package pusher

import (
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of calls (Pusher HTTP API, "Publishing events").
const (
	MaxChannels = 100 // of one event
	MaxBatch    = 10  // events of one batch
)

// envelopeBytes is what the body of an event may hold beside its data: a hundred channels, name and socket id, and room.
const envelopeBytes = 32 << 10

// Event is an event that a server publishes.
type Event struct {
	Name     string
	Data     string   // at most as many bytes as the caller allowed
	Channels []string // at least one, each once; user channels too
	SocketID string   // of the connection that must not receive it; empty: none
	Info     Info     // what the answer is to tell of its channels
}

// MostOfEvent is how many bytes the body of an event may have where its data may have eventBytes: a byte of data takes up to six in JSON.
func MostOfEvent(eventBytes int) int { return 6*eventBytes + envelopeBytes }

// MostOfBatch is the same for a batch.
func MostOfBatch(eventBytes int) int { return MaxBatch * MostOfEvent(eventBytes) }

// eventBody is an event in JSON. A null counts as a field that is left out: some libraries send it.
type eventBody struct {
	Name     string   `json:"name"`
	Data     *string  `json:"data"`
	Channel  string   `json:"channel"`
	Channels []string `json:"channels"`
	SocketID string   `json:"socket_id"`
	Info     string   `json:"info"`
}

// DecodeEvent reads the body of POST …/events. An error is a *Fault.
func DecodeEvent(body []byte, eventBytes int) (Event, error) {
	var decoded *eventBody
	if err := decode(body, &decoded); err != nil {
		return Event{}, err
	}
	if decoded == nil {
		return Event{}, badRequest("The body is null: an event is a JSON object")
	}
	return decoded.event(eventBytes)
}

// DecodeBatch reads the body of POST …/batch_events: 1 to 10 events, each for one channel. An error is a *Fault; none of the events may be
// published then.
func DecodeBatch(body []byte, eventBytes int) ([]Event, error) {
	var decoded struct {
		Batch []*eventBody `json:"batch"`
	}
	if err := decode(body, &decoded); err != nil {
		return nil, err
	}
	switch count := len(decoded.Batch); {
	case count == 0:
		return nil, badRequest("batch is missing or empty: an array of 1 to %d events is wanted", MaxBatch)
	case count > MaxBatch:
		return nil, badRequest("Batch too large (%d > %d)", count, MaxBatch)
	}
	events := make([]Event, len(decoded.Batch))
	for i, one := range decoded.Batch {
		if one == nil || one.Channels != nil {
			return nil, badRequest("batch[%d] is not an event with one channel", i)
		}
		event, err := one.event(eventBytes)
		if err != nil {
			return nil, err
		}
		events[i] = event
	}
	return events, nil
}

// DecodeText makes an event of what POST …/channels/C/events carries: the data is the whole body, the rest stands in path and query. An
// error is a *Fault.
func DecodeText(channel string, query Query, body []byte, eventBytes int) (Event, error) {
	data := string(body)
	given := eventBody{Name: query.Get("name"), Data: &data, Channel: channel, SocketID: query.Get("socket_id")}
	return given.event(eventBytes)
}

// decode reads JSON. Half a surrogate pair in it becomes U+FFFD, as in the publisher's own JavaScript; bytes that are no UTF-8 are refused.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) {
		return badRequest("The body is not UTF-8")
	}
	err := json.Unmarshal(body, into, jsontext.AllowInvalidUTF8(true))
	_, wrongType := errors.AsType[*json.SemanticError](err)
	switch {
	case err == nil:
		return nil
	case wrongType:
		return badRequest("The body has a field of the wrong type: name, data, channel, socket_id and info are strings, channels " +
			"is an array of strings, batch one of events")
	case errors.Is(err, jsontext.ErrDuplicateName):
		return badRequest("The body has a name twice in one object")
	default:
		return badRequest("The body is not valid JSON")
	}
}

// event checks what was sent.
func (b *eventBody) event(eventBytes int) (Event, error) {
	channels, err := b.targets()
	if err != nil {
		return Event{}, err
	}
	info, err := ParseInfo(b.Info, UserCount|SubscriptionCount)
	switch {
	case err != nil:
		return Event{}, err
	case b.Name == "":
		return Event{}, badRequest("name is missing: an event has a name")
	case !ValidEvent(b.Name) || Reserved(b.Name):
		return Event{}, badRequest("Invalid event name: at most %d characters, and not one of the protocol's own", MaxEventRunes)
	case b.Data == nil:
		return Event{}, badRequest("data is missing: an event has data, which is a string")
	case len(*b.Data) > eventBytes:
		return Event{}, DataTooLarge(eventBytes)
	case b.SocketID != "" && !ValidSocketID(b.SocketID):
		return Event{}, badRequest("Invalid socket id: %q", shown(b.SocketID))
	}
	return Event{Name: b.Name, Data: *b.Data, Channels: channels, SocketID: b.SocketID, Info: info}, nil
}

// targets are the channels of an event, in the order in which they were given, each once.
func (b *eventBody) targets() ([]string, error) {
	given := b.Channels
	if given == nil && b.Channel != "" {
		given = []string{b.Channel}
	}
	switch {
	case b.Channels != nil && b.Channel != "":
		return nil, badRequest("channel and channels are both given: give one of the two")
	case len(given) == 0:
		return nil, badRequest("channels is missing or empty: an event is for at least one channel")
	case len(given) > MaxChannels:
		return nil, badRequest("The event has %d channels, but at most %d are allowed", len(given), MaxChannels)
	}
	channels := make([]string, 0, len(given))
	for _, name := range given {
		if !ValidTarget(name) {
			return nil, BadChannel(name)
		}
		if !slices.Contains(channels, name) {
			channels = append(channels, name)
		}
	}
	return channels, nil
}
