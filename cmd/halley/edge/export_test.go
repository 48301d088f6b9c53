package edge

import (
	"net/http"
	"net/netip"
)

// ClientAddress is the step that finds the client's address, without a server around it.
func ClientAddress(trusted []netip.Prefix, next http.Handler) http.Handler {
	return proxies(trusted).clientAddress(next)
}
