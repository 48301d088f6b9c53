package pusher

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// The events of clients that are for the server (Pusher protocol, "Events", client to server). All others begin with "client-".
const (
	EventSubscribe   = "pusher:subscribe"
	EventUnsubscribe = "pusher:unsubscribe"
	EventPing        = "pusher:ping"
	EventPong        = "pusher:pong"
	EventSignIn      = "pusher:signin"
)

// Command is a frame of a client. What its event does not have is empty; what it may do, and whether its names are valid, is for others
// to say.
type Command struct {
	Event       string
	Channel     string
	Auth        string // subscribe and sign-in: KEY:HEX
	ChannelData string // subscribe: JSON, as it was signed
	Resume      Resume // subscribe
	UserData    string // sign-in: JSON, as it was signed
	Data        string // a client event: the text that others receive
}

// What is wrong with a frame, as its client is told.
var (
	errFrame = errors.New("a message is a JSON object with the name of an event")
	errData  = errors.New("the data of this event is not a JSON object of texts")
)

// lenient is how frames are read: JavaScript writes half a surrogate pair where a text was cut, and a name that stands twice harms nobody.
var lenient = []jsontext.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}

// DecodeCommand reads a frame of a client. Fields that are not known are passed over, as are those that its event does not have. The data
// of a client event may be any JSON: a string is the text that it holds, anything else the text that it is.
func DecodeCommand(frame []byte) (Command, error) {
	var command Command
	var data jsontext.Value
	err := eachField(frame, func(name string, value jsontext.Value) (err error) {
		switch name {
		case "event":
			command.Event, err = textOf(value, errFrame)
		case "channel":
			command.Channel, err = textOf(value, errFrame)
		case "data":
			data = value.Clone()
		}
		return err
	}, lenient...)
	if err != nil || command.Event == "" {
		return Command{}, errFrame
	}
	switch command.Event {
	case EventSubscribe, EventUnsubscribe, EventSignIn:
		err = command.readData(data)
	case EventPing, EventPong:
	default:
		command.Data = anyText(data)
	}
	return command, err
}

// readData reads the data of an event that is for the server.
func (c *Command) readData(data jsontext.Value) error {
	if data.Kind() == '"' { // some libraries encode it twice, as the server does
		data = jsontext.Value(unquote(data))
	}
	err := eachField(data, func(name string, value jsontext.Value) (err error) {
		switch name {
		case "channel":
			c.Channel, err = textOf(value, errData)
		case "auth":
			c.Auth, err = textOf(value, errData)
		case "channel_data":
			c.ChannelData, err = textOf(value, errData)
		case "user_data":
			c.UserData, err = textOf(value, errData)
		case "halley":
			c.Resume, err = readResume(value)
		}
		return err
	}, lenient...)
	if err != nil {
		return errData
	}
	return nil
}

// textOf reads a text; null is none.
func textOf(value jsontext.Value, otherwise error) (string, error) {
	switch value.Kind() {
	case '"':
		return unquote(value), nil
	case 'n':
		return "", nil
	default:
		return "", otherwise
	}
}

// anyText is the text that the data of a client event stands for.
func anyText(data jsontext.Value) string {
	if data.Kind() == '"' {
		return unquote(data)
	}
	return string(data)
}
