package session

import (
	"net/http"
	"net/url"
	"strings"
	"unique"

	"halley/auth"
	"halley/pushnode/wire"
)

// secretKeyPrefix marks a credential that must never be seen by a browser.
const secretKeyPrefix = "hl_sk_"

// Credential finds the one credential of a request, for the calls beside the transports: they take what these take. It is empty
// where there is none.
func Credential(r *http.Request, query url.Values) (string, error) { return credentialOf(r, query) }

// credentialOf finds the one credential of a request: section 3 of web/docs/protocol.md. It is empty where there is none.
func credentialOf(r *http.Request, query url.Values) (string, error) {
	var found []string
	for _, name := range []string{"key", "token"} {
		for _, value := range query[name] {
			if strings.HasPrefix(value, secretKeyPrefix) {
				return "", wire.Errorf(wire.CodeSecretKeyExposed, "a secret key must not stand in a URL: roll it, and send it in Authorization")
			}
			found = append(found, value)
		}
	}
	if header := r.Header.Get("Authorization"); header != "" {
		value, err := authorization(r, header)
		if err != nil {
			return "", err
		}
		found = append(found, value)
	}
	switch {
	case len(found) > 1:
		return "", wire.Errorf(wire.CodeBadRequest, "the request has %d credentials: give one", len(found))
	case len(found) == 0:
		return "", nil
	case found[0] == "":
		return "", wire.Errorf(wire.CodeUnauthorized, "the credential is empty")
	}
	return found[0], checkExposed(r, found[0])
}

// checkExposed refuses a secret key that a browser sends.
func checkExposed(r *http.Request, credential string) error {
	if strings.HasPrefix(credential, secretKeyPrefix) && r.Header.Get("Origin") != "" {
		return wire.Errorf(wire.CodeSecretKeyExposed, "a secret key must not be used by a page: roll it, and use a publishable key or a token")
	}
	return nil
}

// authorization reads Bearer, or Basic with the credential as the user name, as curl -u sends it.
func authorization(r *http.Request, header string) (string, error) {
	if user, password, ok := r.BasicAuth(); ok && password == "" {
		return user, nil
	}
	scheme, value, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", wire.Errorf(wire.CodeUnauthorized, "Authorization is not Bearer and a key or token")
	}
	return strings.TrimSpace(value), nil
}

// keptCredential is a credential as a session keeps it: not as a part of its request, which would be kept as well, and a key once for all who
// have it.
func keptCredential(grant *auth.Grant, credential string) string {
	if grant.Kind == auth.KindToken {
		return strings.Clone(credential)
	}
	return unique.Make(credential).Value()
}
