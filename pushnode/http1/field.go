package http1

// field is a header field that a plain request may have.
type field uint8

const (
	unknownField field = iota // or one that has a meaning which is not understood here
	hostField
	lengthField
	typeField
	authorizationField
	connectionField
	requestIDField
	meaninglessField // neither net/http nor the handlers of this port give it a meaning
)

// single reports whether the field may stand in a head once at most.
func (f field) single() bool { return f != meaninglessField }

// maxName is the length of the longest known name.
const maxName = len("upgrade-insecure-requests")

// fieldOf finds a field by its name, in whatever case. Not here, and so for net/http, is above all what frames a message in another way
// or asks for another answer: Transfer-Encoding, Content-Encoding, Expect, Upgrade, TE, Trailer, Origin.
func fieldOf(name []byte) field {
	if len(name) > maxName {
		return unknownField
	}
	var lower [maxName]byte
	for i, char := range name {
		if char >= 'A' && char <= 'Z' {
			char |= 0x20
		}
		lower[i] = char
	}
	switch string(lower[:len(name)]) {
	case "host":
		return hostField
	case "content-length":
		return lengthField
	case "content-type":
		return typeField
	case "authorization":
		return authorizationField
	case "connection":
		return connectionField
	case "x-request-id":
		return requestIDField
	case "user-agent", "accept", "accept-encoding", "accept-language", "accept-charset", "cache-control", "pragma", "date", "from",
		"dnt", "priority", "traceparent", "tracestate", "baggage", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "b3",
		"idempotency-key", "x-requested-with", "via", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port",
		"x-forwarded-proto", "x-forwarded-server", "x-pusher-library", "x-real-ip", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-dest":
		return meaninglessField
	default:
		return unknownField
	}
}

// fieldSet is the fields that stood in a head.
type fieldSet uint16

func (s fieldSet) has(f field) bool { return s&(1<<f) != 0 }

func (s *fieldSet) add(f field) { *s |= 1 << f }
