package pushnode

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"halley/pushnode/wire"
)

// question is what one node asks another: exactly one of its fields. Fields that an older node does not know are left out by it, so that
// a question without any that it knows is refused.
type question struct {
	Disconnect *disconnectQuestion `json:"disconnect,omitzero"`
	Commands   *commandsQuestion   `json:"commands,omitzero"`
	Hottest    *hottestQuestion    `json:"hottest,omitzero"`

	Conversation *conversationQuestion `json:"conversation,omitzero"`
}

// disconnectQuestion asks to end the sessions of a client id, or one session. The answer is the ids of those that were there.
type disconnectQuestion struct {
	App      string `json:"app"`
	ClientID string `json:"client_id,omitzero"`
	Session  string `json:"session,omitzero"`
}

// commandsQuestion asks to do commands of a session, for a client whose request reached another node. The answer is the body for that client.
type commandsQuestion struct {
	Credential string `json:"credential"`
	Body       []byte `json:"body"`
}

// hottestQuestion asks in which channels of an app most happens; no app: in which of all, and in which apps.
type hottestQuestion struct {
	App string `json:"app,omitzero"`
}

// hottestAnswer is what one node knows of that.
type hottestAnswer struct {
	Channels []HotThing `json:"channels"`
	Apps     []HotThing `json:"apps,omitzero"`
}

// peerAnswer is what another node says to a question: Err, or what the question is answered with.
type peerAnswer struct {
	Ended   []string       `json:"ended,omitzero"`
	Body    jsontext.Value `json:"body,omitzero"`
	Hottest *hottestAnswer `json:"hottest,omitzero"`
	Err     *peerError     `json:"error,omitzero"`

	Conversation *conversationAnswer `json:"conversation,omitzero"`
}

// peerError is an error of the table on its way between nodes.
type peerError struct {
	Code    wire.Code `json:"code"`
	Message string    `json:"message"`
	Wait    int64     `json:"wait,omitzero"` // ms after which another try helps; 0: it is not known to
}

func peerErrorOf(err error) *peerError {
	fault := wire.AsError(err)
	return &peerError{Code: fault.Code, Message: fault.Message, Wait: fault.RetryAfter.Milliseconds()}
}

func (e *peerError) error() error {
	return wire.Errorf(e.Code, "%s", e.Message).After(time.Duration(e.Wait) * time.Millisecond)
}

func encodePeer(value any) []byte {
	data, err := json.Marshal(value, jsontext.AllowInvalidUTF8(true)) // what clients sent must not end this process, however it came here
	if err != nil {
		panic(fmt.Sprintf("encode %T for another node: %v", value, err)) // the values are ours
	}
	return data
}

func decodeQuestion(data []byte) (asked question, err error) {
	if err := json.Unmarshal(data, &asked); err != nil {
		return question{}, fmt.Errorf("question of another node: %w", err)
	}
	return asked, nil
}

func decodePeerAnswer(data []byte) (peerAnswer, error) {
	var answered peerAnswer
	if err := json.Unmarshal(data, &answered); err != nil {
		return peerAnswer{}, fmt.Errorf("answer of another node: %w", err)
	}
	if answered.Err != nil {
		return peerAnswer{}, answered.Err.error()
	}
	return answered, nil
}
