package edge

import (
	"net"
	"net/http"
	"net/netip"
	"slices"

	"github.com/go-chi/chi/v5/middleware"
)

// proxies are the peers whose word about their clients is believed.
type proxies []netip.Prefix

func (p proxies) contain(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// clientAddress makes r.RemoteAddr the client's address. A trusted proxy names it in X-Forwarded-For, read from the right; one
// that names none, or nothing that can be read, is the client itself: never somebody without an address.
func (p proxies) clientAddress(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	texts := make([]string, len(p))
	for i, prefix := range p {
		texts[i] = prefix.String()
	}
	return middleware.ClientIPFromXFF(texts...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer := peerAddress(r.RemoteAddr); p.contain(peer) {
			client := middleware.GetClientIPAddr(r.Context())
			if !client.IsValid() {
				client = peer
			}
			r.RemoteAddr = net.JoinHostPort(client.String(), portUnknown)
		}
		next.ServeHTTP(w, r)
	}))
}

// portUnknown stands for the port of a client behind a proxy. No connection comes from it.
const portUnknown = "0"

// forwarded reports whether a proxy brought the request.
func forwarded(r *http.Request) bool {
	_, port, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && port == portUnknown
}

// peerAddress is the address in host:port, an IPv4 address always as such; the zero value where there is none.
func peerAddress(hostport string) netip.Addr {
	parsed, err := netip.ParseAddrPort(hostport)
	if err != nil {
		return netip.Addr{}
	}
	return parsed.Addr().Unmap().WithZone("")
}

// clientKey is what a client is counted by: its IPv4 address, or the /64 that an IPv6 client has to itself.
func clientKey(address netip.Addr) netip.Addr {
	if !address.Is6() {
		return address
	}
	network, err := address.Prefix(64)
	if err != nil {
		return address
	}
	return network.Addr()
}
