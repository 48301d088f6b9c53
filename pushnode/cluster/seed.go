package cluster

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// resolveTimeout bounds one look-up of all seeds: what is not answered by then is asked again with the next try.
const resolveTimeout = 2 * time.Second

// maxAddresses bounds what one seed may resolve to. The lowest are kept, on every node the same.
const maxAddresses = 256

// seed is where a node was told to look for peers.
type seed struct {
	host string // an IP, a host name, or the name of an SRV record, which gives the ports itself
	port uint16
	srv  bool
}

// parseSeed reads host, host:port, [IPv6]:port, a bare IPv6 address, or _service._proto.domain.
func parseSeed(text string) (seed, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return seed{host: ip.Unmap().String(), port: DefaultPort}, nil
	}
	if a, err := netip.ParseAddrPort(text); err == nil && a.Port() != 0 {
		return seed{host: a.Addr().Unmap().String(), port: a.Port()}, nil
	}
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		host, digits = text, strconv.Itoa(DefaultPort)
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 || host == "" || len(host) > 253 || strings.ContainsAny(host, ":/[] ") {
		return seed{}, fmt.Errorf("cluster: peer %q: want host, host:port, or the name of an SRV record", text)
	}
	return seed{host: host, port: uint16(port), srv: strings.HasPrefix(host, "_") && host == text}, nil
}

// resolution is what a seed stands for just now.
type resolution struct {
	addresses []netip.AddrPort // sorted, without repeats
	err       error            // what kept it from being known; then there are no addresses
}

// resolveAll looks all seeds up at once, in at most resolveTimeout. The results are in the order of the seeds.
func resolveAll(ctx context.Context, resolver Resolver, seeds []seed) []resolution {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	results := make([]resolution, len(seeds))
	var lookups sync.WaitGroup
	for i, s := range seeds {
		lookups.Go(func() {
			addresses, err := s.resolve(ctx, resolver)
			results[i] = resolution{tidy(addresses), err}
		})
	}
	lookups.Wait()
	return results
}

// resolve looks one seed up. A name without addresses is an error, as the resolver has it.
func (s seed) resolve(ctx context.Context, resolver Resolver) ([]netip.AddrPort, error) {
	if s.srv {
		return resolveService(ctx, resolver, s.host)
	}
	if ip, err := netip.ParseAddr(s.host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip, s.port)}, nil
	}
	return resolveHost(ctx, resolver, s.host, s.port)
}

func resolveHost(ctx context.Context, resolver Resolver, host string, port uint16) ([]netip.AddrPort, error) {
	ips, err := resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(ips) == 0 {
		err = fmt.Errorf("no addresses")
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	addresses := make([]netip.AddrPort, 0, len(ips))
	for _, ip := range ips {
		addresses = append(addresses, netip.AddrPortFrom(ip.Unmap(), port))
	}
	return addresses, nil
}

// resolveService looks up the targets of an SRV record (RFC 2782). Priorities and weights mean nothing here: all are peers. A record
// one of whose targets has no address is not known as a whole, so that no node takes a part of its peers for all.
func resolveService(ctx context.Context, resolver Resolver, name string) ([]netip.AddrPort, error) {
	_, records, err := resolver.LookupSRV(ctx, "", "", name)
	if err == nil && len(records) == 0 {
		err = fmt.Errorf("no targets")
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", name, err)
	}
	var addresses []netip.AddrPort
	for _, record := range records[:min(len(records), maxAddresses)] {
		found, err := resolveHost(ctx, resolver, record.Target, record.Port)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, found...)
	}
	return addresses, nil
}

// tidy sorts addresses, drops repeats, and keeps at most maxAddresses.
func tidy(addresses []netip.AddrPort) []netip.AddrPort {
	slices.SortFunc(addresses, netip.AddrPort.Compare)
	addresses = slices.Compact(addresses)
	return addresses[:min(len(addresses), maxAddresses)]
}
