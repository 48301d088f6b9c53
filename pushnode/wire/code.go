package wire

import (
	"net/http"
	"strconv"
)

// Code says what went wrong, and by its range what the client should do: 4000-4099 stop, 4100-4199 wait and reconnect,
// 4200-4299 reconnect now, 4300-4399 this request is refused and the connection lives on. Codes below 4300 are WebSocket close
// codes too. A code is never given another meaning; where Pusher Channels knows the code, it means the same there.
//
// A Code is an error, so that errors.Is(err, wire.CodeDenied) asks for it.
type Code uint16

// Stop: to come back with the same credential or the same frames would fail again.
const (
	CodeAppNotFound      Code = 4001
	CodeAppDisabled      Code = 4003
	CodeQuotaExceeded    Code = 4004
	CodeUnauthorized     Code = 4009
	CodeOriginDenied     Code = 4010
	CodeSecretKeyExposed Code = 4011
	CodeHandshakeTimeout Code = 4012
	CodeProtocolError    Code = 4013
	CodeFrameTooLarge    Code = 4014
	CodeSessionReplaced  Code = 4015
	CodeDisconnected     Code = 4016
)

// Back off: the same may succeed later.
const (
	CodeOverCapacity       Code = 4100
	CodeUnavailable        Code = 4101
	CodeTooManyConnections Code = 4102
	CodeInternal           Code = 4103
	CodeSlowConsumer       Code = 4110
)

// Reconnect now.
const (
	CodeDraining     Code = 4200
	CodePingTimeout  Code = 4201
	CodeTokenExpired Code = 4210
)

// Refused: the connection lives. 4302 is left free for Pusher's watch lists.
const (
	CodeBadRequest           Code = 4300
	CodeRateLimited          Code = 4301
	CodeMalformedJSON        Code = 4303
	CodeDuplicateName        Code = 4304
	CodeBadUTF8              Code = 4305
	CodeUnknownField         Code = 4306
	CodeMissingField         Code = 4307
	CodeInvalidField         Code = 4308
	CodeInvalidChannel       Code = 4309
	CodeDenied               Code = 4310
	CodeUnknownOp            Code = 4311
	CodeTooDeep              Code = 4312
	CodeUnsupportedMediaType Code = 4313
	CodeUnsupportedEncoding  Code = 4314
	CodeMethodNotAllowed     Code = 4315
	CodeNotFound             Code = 4316
	CodeBodyTimeout          Code = 4317
	CodeBodyTruncated        Code = 4318
	CodeMessageTooLarge      Code = 4319
	CodePositionLost         Code = 4320
	CodeLimitExceeded        Code = 4321
	CodePresenceFull         Code = 4322
	CodeNotSubscribed        Code = 4323
	CodeQueueFull            Code = 4324
	CodeSessionNotFound      Code = 4325
	CodeAnswerFull           Code = 4326
)

// Entry is one line of the table of errors.
type Entry struct {
	Code   Code
	Name   string // on the wire and in metrics; also its anchor in the docs
	Status int    // of the HTTP answer
	Text   string // the message where no better one is at hand
	Advice string // for the docs: why it comes, and what to do
}

// Entry returns the code's line of the table; a code that is not in it has that of CodeInternal.
func (c Code) Entry() Entry { return *c.entry() }

// Name is the code's name on the wire.
func (c Code) Name() string { return c.entry().Name }

// Status is the HTTP status that goes with the code.
func (c Code) Status() int { return c.entry().Status }

// Docs is the path of the code's explanation in the docs.
func (c Code) Docs() string { return DocsPath + "#" + c.entry().Name }

// Closes reports whether the code may close a connection.
func (c Code) Closes() bool { return c < CodeBadRequest }

// Error is the code's name and number.
func (c Code) Error() string { return c.Name() + " (" + strconv.Itoa(int(c)) + ")" }

// DocsPath is the page that explains every code.
const DocsPath = "/docs/errors"

func (c Code) entry() *Entry {
	var internal *Entry
	for i := range table {
		if table[i].Code == c {
			return &table[i]
		}
		if table[i].Code == CodeInternal {
			internal = &table[i]
		}
	}
	return internal
}

// table is the only list of errors there is. web/docs/errors.md is written from it.
var table = [...]Entry{
	{CodeAppNotFound, "app_not_found", http.StatusNotFound, "there is no such app",
		"The key names an app that does not exist any more. Use a key of an existing app."},
	{CodeAppDisabled, "app_disabled", http.StatusForbidden, "the app is disabled",
		"The app was switched off, by you in the console or by the operator."},
	{CodeQuotaExceeded, "quota_exceeded", http.StatusForbidden, "the quota of this month is used up",
		"The account's monthly messages are used up. Raise the limit, or wait for the next month."},
	{CodeUnauthorized, "unauthorized", http.StatusUnauthorized, "a valid key or token is needed",
		"No key or token was given, or it is unknown, revoked, malformed, or signed by another key."},
	{CodeOriginDenied, "origin_denied", http.StatusForbidden, "this origin is not allowed",
		"The app lists the origins of the pages that may connect, and this page's is not among them. Add it in the console."},
	{CodeSecretKeyExposed, "secret_key_exposed", http.StatusForbidden, "a secret key must not be used here",
		"A secret key came in a URL or from a browser. Roll it: others may have seen it. Pages use a publishable key or a token."},
	{CodeHandshakeTimeout, "handshake_timeout", http.StatusRequestTimeout, "no credential came in time",
		"A WebSocket opened without a credential must send connect within 10 seconds."},
	{CodeProtocolError, "protocol_error", http.StatusBadRequest, "the protocol was not kept",
		"A binary frame came, or a command before connect, or connect twice. The client needs a fix."},
	{CodeFrameTooLarge, "frame_too_large", http.StatusRequestEntityTooLarge, "the frame is too large",
		"A WebSocket frame was larger than message_bytes and 4 KiB (16 KiB before connected)."},
	{CodeSessionReplaced, "session_replaced", http.StatusConflict, "a newer connection took over the session",
		"Another connection resumed this session. If that was not this client, two clients share one resume token."},
	{CodeDisconnected, "disconnected", http.StatusForbidden, "the app ended this session",
		"The app's server ended the client's sessions. Connect again only when the user signs in anew."},

	{CodeOverCapacity, "over_capacity", http.StatusServiceUnavailable, "this node is at its capacity",
		"The node protects itself. Wait as long as told, then try again; a publish with the same id is safe to repeat."},
	{CodeUnavailable, "unavailable", http.StatusServiceUnavailable, "this cannot be done just now",
		"The channel has no leader, or a store does not answer. Wait as long as told; a publish with the same id is safe to repeat."},
	{CodeTooManyConnections, "too_many_connections", http.StatusTooManyRequests, "the app has too many connections",
		"The app's limit of connections, or the node's limit for one address, is reached. Wait, or raise the limit."},
	{CodeInternal, "internal", http.StatusInternalServerError, "something went wrong in Halley",
		"A fault of the server, which is in its log. A publish with the same id is safe to repeat."},
	{CodeSlowConsumer, "slow_consumer", http.StatusServiceUnavailable, "the connection takes messages too slowly",
		"The client took nothing for 10 seconds while there was something to send. Reconnect and resume: history makes up for it."},

	{CodeDraining, "draining", http.StatusServiceUnavailable, "this node is going away",
		"The node is being stopped. Reconnect: another node, or the next process, takes over."},
	{CodePingTimeout, "ping_timeout", http.StatusRequestTimeout, "the client did not answer a ping",
		"Nothing came from the client within 10 seconds after a ping. Reconnect and resume."},
	{CodeTokenExpired, "token_expired", http.StatusUnauthorized, "the token has expired",
		"Fetch a new token and reconnect with it; or send it with the command token before the old one ends."},

	{CodeBadRequest, "bad_request", http.StatusBadRequest, "the request is not valid",
		"The message says what is wrong with the request. The address of the WebSocket answers a plain request so, with HTTP `426`."},
	{CodeRateLimited, "rate_limited", http.StatusTooManyRequests, "too many requests",
		"The app's rate of publishes or API requests is reached. Wait as long as told, then go on more slowly."},
	{CodeMalformedJSON, "malformed_json", http.StatusBadRequest, "this is not valid JSON",
		"The message says at which byte and where in the value the JSON breaks off or goes wrong."},
	{CodeDuplicateName, "duplicate_name", http.StatusBadRequest, "a name stands twice in one JSON object",
		"Which of the two was meant cannot be known. This holds inside data too."},
	{CodeBadUTF8, "bad_utf8", http.StatusBadRequest, "this is not valid UTF-8",
		"JSON is UTF-8. An escaped half of a surrogate pair is refused too."},
	{CodeUnknownField, "unknown_field", http.StatusBadRequest, "there is a field that is not known here",
		"A misspelt field would otherwise be lost without a word."},
	{CodeMissingField, "missing_field", http.StatusBadRequest, "a field is missing",
		"The message names the field."},
	{CodeInvalidField, "invalid_field", http.StatusBadRequest, "a field has a value that is not valid",
		"The message names the field and what is allowed in it."},
	{CodeInvalidChannel, "invalid_channel", http.StatusBadRequest, "this is not a valid channel name",
		"A channel name has 1 to 200 characters of A-Z a-z 0-9 _ - = @ , . ; : /"},
	{CodeDenied, "denied", http.StatusForbidden, "the credential does not allow this",
		"The token's capabilities, or for a publishable key the channel's rule, do not allow the operation on this channel."},
	{CodeUnknownOp, "unknown_op", http.StatusBadRequest, "there is no such operation",
		"The command's op is not one of the protocol's."},
	{CodeTooDeep, "too_deep", http.StatusBadRequest, "the JSON is nested too deeply",
		"A request may be nested 32 levels deep."},
	{CodeUnsupportedMediaType, "unsupported_media_type", http.StatusUnsupportedMediaType, "the content type is not application/json",
		"Send Content-Type: application/json."},
	{CodeUnsupportedEncoding, "unsupported_encoding", http.StatusUnsupportedMediaType, "this content encoding is not supported",
		"Bodies come as they are, or compressed with gzip where the call allows it."},
	{CodeMethodNotAllowed, "method_not_allowed", http.StatusMethodNotAllowed, "this method is not allowed here",
		"The header Allow lists the methods."},
	{CodeNotFound, "not_found", http.StatusNotFound, "there is nothing here",
		"The path, or what it names, does not exist in this app."},
	{CodeBodyTimeout, "body_timeout", http.StatusRequestTimeout, "the body did not come in time",
		"Nothing of the request was done. Send it again."},
	{CodeBodyTruncated, "body_truncated", http.StatusBadRequest, "the body ended early",
		"The connection ended before the whole body came. Nothing of the request was done."},
	{CodeMessageTooLarge, "message_too_large", http.StatusRequestEntityTooLarge, "the message is too large",
		"Data is bounded by the app's message_bytes, presence data by 2 KB, a body by what it may hold."},
	{CodePositionLost, "position_lost", http.StatusGone, "the position is not known any more",
		"The history does not reach back to the position. Read the state anew and subscribe without it."},
	{CodeLimitExceeded, "limit_exceeded", http.StatusForbidden, "a limit of the app is reached",
		"The message names the limit, for example the channels of one connection."},
	{CodePresenceFull, "presence_full", http.StatusConflict, "the channel has as many members as it may",
		"The app's presence_members is reached. Try again when members have left."},
	{CodeNotSubscribed, "not_subscribed", http.StatusConflict, "the session is not subscribed to the channel",
		"Subscribe first."},
	{CodeQueueFull, "queue_full", http.StatusTooManyRequests, "a subscriber's queue is full",
		"The channel's policy is block, and a subscriber takes no more just now. Wait as long as told, then repeat with the same id."},
	{CodeSessionNotFound, "session_not_found", http.StatusNotFound, "there is no such session",
		"The session ended, or was away for longer than two minutes. Open a new one; a cursor resumes its channels."},
	{CodeAnswerFull, "answer_full", http.StatusTooManyRequests, "the answers to the commands before are too large",
		"The answers to one request with commands have 4 MiB. This command was not done: send it again, in another request."},
}
