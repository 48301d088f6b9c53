package session

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"halley/pushnode/wire"
)

// admitOrigin lets in the pages of the console, whatever an app's list says: its live pane follows the app's channels.
func (s *Server) admitOrigin(r *http.Request, app App) error {
	if own := s.config.Origin; own != "" && slices.Equal(r.Header.Values("Origin"), []string{own}) {
		return nil
	}
	return checkOrigin(r, app.Origins)
}

// checkOrigin applies an app's list of origins: section 3 of web/docs/protocol.md. An empty list admits every page; a request
// without Origin does not come from a page. "null" (a sandboxed frame, a file) is refused wherever there is a list.
func checkOrigin(r *http.Request, allowed []string) error {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return nil
	}
	if len(values) > 1 {
		return wire.Errorf(wire.CodeOriginDenied, "the request has %d Origin headers", len(values))
	}
	origin := strings.ToLower(values[0])
	if len(allowed) == 0 {
		return nil
	}
	for _, pattern := range allowed {
		if originMatches(strings.ToLower(pattern), origin) {
			return nil
		}
	}
	return wire.Errorf(wire.CodeOriginDenied, "the origin %.100q is not on the app's list", values[0])
}

// originMatches compares scheme, host and port exactly; "https://*.example.com" stands for exactly one label before the dot.
func originMatches(pattern, origin string) bool {
	if origin == "null" || !isOrigin(origin) {
		return false
	}
	if pattern == origin {
		return true
	}
	scheme, host, found := strings.Cut(pattern, "://*.")
	if !found {
		return false
	}
	rest, found := strings.CutPrefix(origin, scheme+"://")
	if !found {
		return false
	}
	label, parent, found := strings.Cut(rest, ".")
	return found && label != "" && parent == host
}

// isOrigin reports whether text is scheme://host or scheme://host:port and nothing more.
func isOrigin(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && parsed.Scheme != "" && parsed.Host != "" && parsed.Scheme+"://"+parsed.Host == text
}
