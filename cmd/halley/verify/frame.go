package verify

import (
	"github.com/go-json-experiment/json"
)

// command is what a client says over a WebSocket: section 4.2 of the protocol.
type command struct {
	Op       string         `json:"op"`
	Ref      int            `json:"ref,omitzero"`
	Channel  string         `json:"channel,omitzero"`
	Since    string         `json:"since,omitzero"`
	Presence bool           `json:"presence,omitzero"`
	Data     map[string]int `json:"data,omitzero"`
}

// frame is what a node says, on every transport: the fields that a run looks at.
type frame struct {
	Op        string   `json:"op"`
	Ref       int      `json:"ref"`
	Channel   string   `json:"channel"`
	ID        string   `json:"id"`
	Epoch     string   `json:"epoch"`
	Offset    uint64   `json:"offset"`
	From      uint64   `json:"from"`
	To        uint64   `json:"to"`
	Reason    string   `json:"reason"`
	Recovered bool     `json:"recovered"`
	Session   string   `json:"session"`
	Resume    string   `json:"resume"`
	Resumed   bool     `json:"resumed"`
	Action    string   `json:"action"`
	Member    member   `json:"member"`
	Members   []member `json:"members"`
	Presence  *struct {
		Members []member `json:"members"`
	} `json:"presence"`
	ReconnectIn int `json:"reconnect_in"` // ms
	Err         struct {
		Code int    `json:"code"`
		Name string `json:"name"`
	} `json:"error"`
}

// member is one of a channel's presence.
type member struct {
	Session string `json:"session"`
}

// decode reads a frame.
func decode(text []byte) (frame, error) {
	var f frame
	err := json.Unmarshal(text, &f)
	return f, err
}
