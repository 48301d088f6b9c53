package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// maxMeta bounds what a member says of itself, in bytes. memberlist panics above 512 and repeats it in every packet about the member.
const maxMeta = 160

// maxZone bounds the name of a zone, in bytes.
const maxZone = 32

// metaVersion is the first byte. A later version only appends, so that this one goes on reading what it knows.
const metaVersion = 1

var errMeta = errors.New("cluster: not what a member says of itself")

// metaFixed is the length of the part before the address: version, state, instance, cluster, started, protocol min and max.
const metaFixed = 1 + 1 + 8 + 8 + 8 + 1 + 1

// appendMeta appends what a member says of itself: the fixed part, then the address of its links (length, IP, port) and its zone
// (length, bytes). Name and gossip address travel beside it. At most 80 bytes with a zone of maxZone.
func appendMeta(b []byte, m Member) []byte {
	b = append(b, metaVersion, byte(m.State))
	b = binary.BigEndian.AppendUint64(b, m.Instance)
	b = binary.BigEndian.AppendUint64(b, m.Cluster)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Started.UnixMilli()))
	b = append(b, m.Protocol.Min, m.Protocol.Max)
	b = appendAddress(b, m.Links)
	return append(append(b, byte(len(m.Zone))), m.Zone...)
}

// parseMeta reads what appendMeta wrote, or a later version of it. Nothing is allocated but the zone.
func parseMeta(b []byte) (Member, error) {
	if len(b) < metaFixed || len(b) > maxMeta || b[0] < metaVersion {
		return Member{}, errMeta
	}
	m := Member{
		State:    State(b[1]),
		Instance: binary.BigEndian.Uint64(b[2:]),
		Cluster:  binary.BigEndian.Uint64(b[10:]),
		Started:  time.UnixMilli(int64(binary.BigEndian.Uint64(b[18:]))),
		Protocol: Range{b[26], b[27]},
	}
	links, b, ok := cutAddress(b[metaFixed:])
	if !ok || !links.IsValid() || len(b) == 0 || b[0] > maxZone || len(b) < 1+int(b[0]) {
		return Member{}, errMeta
	}
	m.Links, m.Zone = links, string(b[1:1+b[0]])
	if !m.State.valid() || m.Instance == 0 || m.Protocol.Min > m.Protocol.Max {
		return Member{}, fmt.Errorf("%w: state, instance or protocol", errMeta)
	}
	return m, nil
}

// appendAddress appends the length of an IP in bytes (0, 4 or 16), the IP, and the port.
func appendAddress(b []byte, a netip.AddrPort) []byte {
	ip := a.Addr().Unmap().AsSlice()
	b = append(append(b, byte(len(ip))), ip...)
	return binary.BigEndian.AppendUint16(b, a.Port())
}

// cutAddress reads what appendAddress wrote and returns the rest.
func cutAddress(b []byte) (netip.AddrPort, []byte, bool) {
	if len(b) == 0 || len(b) < 1+int(b[0])+2 {
		return netip.AddrPort{}, nil, false
	}
	ip, ok := netip.AddrFromSlice(b[1 : 1+b[0]])
	if !ok && b[0] != 0 || ip.Is4In6() {
		return netip.AddrPort{}, nil, false
	}
	rest := b[1+b[0]:]
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(rest)), rest[2:], true
}
