package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"
)

// DefaultPort is where gossip listens, and where a seed is looked for whose port is not given.
const DefaultPort = 7946

// maxSeeds bounds the seeds of a node. More of them are one DNS name.
const maxSeeds = 64

// maxLabel is the longest label, in bytes: it is sent with every packet, which is 1200 bytes at most.
const maxLabel = 64

// Config says who a node is and where it looks for others.
type Config struct {
	Name      string         // of the node, kept over restarts: 1 to 128 visible ASCII characters, neither # nor /
	Instance  uint64         // random for each start, never 0
	Bind      netip.AddrPort // where gossip listens; not used with a Transport
	Advertise netip.AddrPort // where others reach it; zero: Bind, or this machine's first private address if Bind has none
	Links     netip.AddrPort // where others reach its links; zero: the advertised address, on the next port
	Seeds     []string       // host, host:port, or the name of an SRV record (_service._proto.domain); none: the node founds a cluster
	Label     string         // of the deployment, see Label; nodes of another label are not heard; at most 64 bytes
	Key       *[32]byte      // for AES-256-GCM of all gossip; nil: none, and then only loopback addresses are let in
	OtherKeys [][32]byte     // of nodes that have not changed to Key yet, or have changed from it: their gossip is heard too
	Zone      string         // at most 32 bytes
	Protocol  Range          // that this binary speaks; zero: currentProtocol alone

	Transport Transport // nil: UDP and TCP
	Resolver  Resolver  // nil: the system's

	Logger     *slog.Logger          // nil: nothing is logged
	Registerer prometheus.Registerer // nil: metrics are kept and shown to nobody
}

// LogValue leaves the key out.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("node", c.Name), slog.String("instance", formatID(c.Instance)),
		slog.String("bind", c.Bind.String()), slog.String("label", c.Label), slog.Bool("key", c.Key != nil))
}

// currentProtocol is the version of what nodes say to each other: of gossip, frames, log entries and snapshots. It rises where a node of
// the version before would misread them. 2: publications say who published them.
const currentProtocol = 2

func (c Config) withDefaults() Config {
	if c.Protocol == (Range{}) {
		c.Protocol = Range{currentProtocol, currentProtocol}
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	return c
}

// Validate returns what is wrong with a Config, in words for who wrote it.
func (c Config) Validate() error {
	switch {
	case !validName(c.Name):
		return fmt.Errorf("cluster: node name %q: want 1 to %d visible ASCII characters without # and /", c.Name, maxName)
	case c.Instance == 0:
		return errors.New("cluster: the instance is 0")
	case c.Transport == nil && !c.Bind.IsValid():
		return errors.New("cluster: no address to listen on")
	case len(c.Seeds) > maxSeeds:
		return fmt.Errorf("cluster: %d peers to join: at most %d, or one DNS name of all", len(c.Seeds), maxSeeds)
	case len(c.Label) > maxLabel:
		return fmt.Errorf("cluster: the label has %d bytes, more than %d", len(c.Label), maxLabel)
	case len(c.Zone) > maxZone:
		return fmt.Errorf("cluster: the zone %q has %d bytes, more than %d", c.Zone, len(c.Zone), maxZone)
	case c.Protocol.Min > c.Protocol.Max:
		return fmt.Errorf("cluster: protocol range %v", c.Protocol)
	}
	for _, text := range c.Seeds {
		seed, err := parseSeed(text)
		if err != nil {
			return err
		}
		if ip, err := netip.ParseAddr(seed.host); err == nil && !c.admits(ip) {
			return fmt.Errorf("%w: peer %s", ErrNoSecret, text)
		}
	}
	for _, address := range []netip.AddrPort{c.Bind, c.Advertise, c.Links} {
		if address.IsValid() && !c.admits(address.Addr()) {
			return fmt.Errorf("%w: %s", ErrNoSecret, address)
		}
	}
	return nil
}

// ErrNoSecret refuses an address that others could reach, or that is another machine's, where no secret keeps strangers out.
var ErrNoSecret = errors.New("cluster: without a cluster secret nodes only use loopback addresses; give all nodes the same secret")

// admits reports whether an address may take part.
func (c Config) admits(ip netip.Addr) bool { return c.Key != nil || ip.Unmap().IsLoopback() }
