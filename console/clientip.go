package console

import (
	"net/http"
	"net/netip"
)

// peerAddress is the address that the connection comes from: right where no proxy stands in front.
func peerAddress(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap()
}
