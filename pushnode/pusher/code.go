package pusher

// Code is an error of the socket: of an event pusher:error, and, below 4300, of the close frame that follows. What clients do goes by the
// range: 4000-4099 stop, 4100-4199 come back after a second, 4200-4299 come back now, 4300-4399 the connection lives.
type Code uint16

// The codes of the Pusher protocol, "Error codes".
const (
	CodeTLSOnly         Code = 4000
	CodeNoApp           Code = 4001
	CodeAppDisabled     Code = 4003
	CodeOverQuota       Code = 4004
	CodePath            Code = 4005
	CodeVersionFormat   Code = 4006
	CodeProtocol        Code = 4007
	CodeNoProtocol      Code = 4008
	CodeUnauthorized    Code = 4009
	CodeOverCapacity    Code = 4100
	CodeReconnect       Code = 4200
	CodePongMissing     Code = 4201
	CodeInactive        Code = 4202
	CodeClientEventRate Code = 4301
	CodeWatchlist       Code = 4302
)

// texts are Pusher's own, for people who search for them.
var texts = map[Code]string{
	CodeTLSOnly:         "Application only accepts SSL connections, reconnect using wss://",
	CodeNoApp:           "Application does not exist",
	CodeAppDisabled:     "Application disabled",
	CodeOverQuota:       "Application is over connection quota",
	CodePath:            "Path not found",
	CodeVersionFormat:   "Invalid version string format",
	CodeProtocol:        "Unsupported protocol version",
	CodeNoProtocol:      "No protocol version supplied",
	CodeUnauthorized:    "Connection is unauthorized",
	CodeOverCapacity:    "Over capacity",
	CodeReconnect:       "Generic reconnect immediately",
	CodePongMissing:     "Pong reply not received",
	CodeInactive:        "Closed after inactivity",
	CodeClientEventRate: "Client event rejected due to rate limit",
	CodeWatchlist:       "Watchlist limit exceeded",
}

// Text is what a client is told with the code.
func (c Code) Text() string { return texts[c] }

// Closes reports whether the connection ends with the code. pusher-js gives up for good when it is closed with a code from 4300 on.
func (c Code) Closes() bool { return c < 4300 }

// Texts of pusher:error events without a code, which keep the connection.

// BadSignature says that a subscription's signature is not that of text, which is ChannelText or UserText.
func BadSignature(text, credential string) string {
	return "Invalid signature: Expected HMAC SHA256 hex digest of " + text + ", but got " + shown(credential)
}

// AlreadySubscribed says that a connection subscribed twice.
func AlreadySubscribed(channel string) string { return "Existing subscription to channel " + channel }

// NotSubscribed says that a connection gave up what it had not.
func NotSubscribed(channel string) string {
	return "No current subscription to channel " + channel + ", or subscription in progress"
}

// InvalidChannel says that a name cannot be a channel's.
func InvalidChannel(channel string) string { return "Invalid channel name: " + shown(channel) }

// maxShown is how much of what a client sent is told back to it.
const maxShown = 200

func shown(text string) string { return text[:min(len(text), maxShown)] }
