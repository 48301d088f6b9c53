package wire

import "time"

// TokenRequest is the body of POST /v1/tokens.
type TokenRequest struct {
	ClientID     string              // empty: anonymous
	Capabilities map[string][]string // operations by channel pattern; not empty, not yet looked into
	TTL          time.Duration       // 0: none was given
}

// maxTTL bounds what can be asked for, as auth bounds every token; what is granted is the app's to decide.
const maxTTL = 24 * time.Hour

// DecodeTokenRequest reads {"client_id"?,"capabilities":{"room:*":["subscribe"]},"ttl"?}, where ttl is a text such as "1h" or a
// whole number of seconds.
func DecodeTokenRequest(body []byte) (TokenRequest, *Error) {
	r := read(body, 0, "")
	defer r.release()
	var request TokenRequest
	fault := r.members("a request for a token is a JSON object", func(name string) (known bool, fault *Error) {
		switch name {
		case "client_id":
			request.ClientID, fault = r.text(clientIDProblem)
		case "capabilities":
			request.Capabilities, fault = r.capabilities()
		case "ttl":
			request.TTL, fault = r.lifetime()
		default:
			return false, nil
		}
		return true, fault
	})
	if fault == nil && request.Capabilities == nil {
		fault = r.missing("capabilities")
	}
	if fault == nil {
		fault = r.end()
	}
	if fault != nil {
		return TokenRequest{}, fault
	}
	return request, nil
}

// capabilities reads an object of arrays of strings. Without any the token could do nothing.
func (r *reader) capabilities() (map[string][]string, *Error) {
	if fault := r.begin('{', `"capabilities" is not an object of channel patterns`); fault != nil {
		return nil, fault
	}
	rights := make(map[string][]string)
	for {
		name, more, fault := r.member()
		switch {
		case fault != nil:
			return nil, fault
		case !more && len(rights) == 0:
			return nil, r.invalid(`"capabilities" is empty: such a token could do nothing`)
		case !more:
			return rights, nil
		}
		pattern := string(name)
		if rights[pattern], fault = r.texts(); fault != nil {
			return nil, fault
		}
	}
}

func (r *reader) texts() ([]string, *Error) {
	if fault := r.begin('[', "the operations of a channel pattern are an array"); fault != nil {
		return nil, fault
	}
	var texts []string
	for {
		more, fault := r.more()
		if fault != nil || !more {
			return texts, fault
		}
		text, fault := r.text(nil)
		if fault != nil {
			return nil, fault
		}
		texts = append(texts, text)
	}
}

// lifetime reads a duration: a text such as "90s", or a whole number of seconds.
func (r *reader) lifetime() (time.Duration, *Error) {
	value, fault := r.value()
	if fault != nil {
		return 0, fault
	}
	text := string(value) + "s"
	switch value.Kind() {
	case '"':
		text = string(unquote(value))
	case '0':
	default:
		text = ""
	}
	lifetime, err := time.ParseDuration(text)
	if err != nil || lifetime < time.Second || lifetime > maxTTL {
		return 0, r.invalidAt(value, `is neither a text such as "1h" nor a number of seconds, from one second to 24 hours`)
	}
	return lifetime, nil
}
