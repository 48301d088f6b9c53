package cluster

import (
	"net"
	"net/netip"
)

// advertised returns where others reach a node that is bound to an address: what the Config says, else the address itself, else, if
// that is every address of this machine, its first private one, or failing that its first that is not loopback.
func advertised(c Config, bound netip.AddrPort) netip.AddrPort {
	switch {
	case c.Advertise.IsValid():
		return c.Advertise
	case !bound.Addr().IsUnspecified():
		return bound
	}
	best := bound.Addr()
	for _, ip := range machineAddresses() {
		if ip.IsPrivate() {
			return netip.AddrPortFrom(ip, bound.Port())
		}
		if best.IsUnspecified() && ip.IsGlobalUnicast() {
			best = ip
		}
	}
	if best.IsUnspecified() {
		best = netip.AddrFrom4([4]byte{127, 0, 0, 1}) // a machine without a network is alone
	}
	return netip.AddrPortFrom(best, bound.Port())
}

// machineAddresses returns the addresses of this machine's interfaces, none if they cannot be read.
func machineAddresses() []netip.Addr {
	interfaces, _ := net.InterfaceAddrs()
	var ips []netip.Addr
	for _, a := range interfaces {
		if network, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(network.IP); ok {
				ips = append(ips, ip.Unmap())
			}
		}
	}
	return ips
}

// ownAddresses returns every address that leads to gossip of this node, as far as it can tell by itself: behind a translated or shared
// address it is found out by joining (search.own).
func ownAddresses(c Config, reachable netip.AddrPort) map[netip.AddrPort]bool {
	own := map[netip.AddrPort]bool{reachable: true}
	if c.Transport != nil || !c.Bind.IsValid() {
		return own
	}
	own[c.Bind] = true
	if c.Bind.Addr().IsUnspecified() {
		for _, ip := range machineAddresses() {
			own[netip.AddrPortFrom(ip, c.Bind.Port())] = true
		}
	}
	return own
}
