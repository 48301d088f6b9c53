package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// ErrRefused is wrapped by the error of a connection to where none may go.
var ErrRefused = errors.New("connections to this address are not allowed")

// closed are networks that are no part of the public internet, or lead into others: IANA's special-purpose registries, and what embeds
// IPv4 addresses. Cloud providers' metadata is in 169.254.0.0/16 and fd00::/8.
var closed = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7",
	"fe80::/10", "fec0::/10", "ff00::/8",
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// guard says where connections may go. Apps choose the names, and their resolvers the addresses, so it looks at the address that is
// connected to and at nothing before.
type guard struct {
	allowed []netip.Prefix // of the operator's choice
}

// control is net.Dialer's ControlContext.
func (g guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return g.check(target)
}

func (g guard) check(target netip.AddrPort) error {
	within := func(list []netip.Prefix) bool {
		addr := target.Addr().Unmap().WithZone("")
		return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
	}
	addr := target.Addr().Unmap()
	switch {
	case within(g.allowed):
		return nil
	case !addr.IsGlobalUnicast() || addr.IsPrivate() || within(closed):
		return fmt.Errorf("%w: %v is not on the public internet", ErrRefused, addr)
	case target.Port() < 1024 && target.Port() != 80 && target.Port() != 443: // mail, name and login servers
		return fmt.Errorf("%w: port %d", ErrRefused, target.Port())
	}
	return nil
}

// dialer connects where the guard lets it.
func (g guard) dialer() *net.Dialer {
	return &net.Dialer{Timeout: dialTime, ControlContext: g.control}
}
