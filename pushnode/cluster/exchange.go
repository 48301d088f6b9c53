package cluster

import (
	"cmp"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"
)

// An exchange is what two nodes tell each other beside their members whenever they compare views: whom they remember.
// It repairs what gossip missed: a member that left while the other could not hear it, and peers that a partition hides from both.
type exchange struct {
	instance uint64 // who speaks
	known    []remembered
}

// remembered is one peer of an exchange. Ages, not times, travel: clocks differ.
type remembered struct {
	instance uint64
	gossip   netip.AddrPort
	left     bool
	age      time.Duration // since it was last known to live, or since it left; whole seconds, rounded up
}

// Bounds of an exchange. It is made every 15 s with one peer, and with each address that is joined.
const (
	maxExchange   = 24 << 10 // bytes
	maxRemembered = 640      // of at most 32 bytes each
)

// exchangeVersion is the first byte. A later version only appends.
const exchangeVersion = 1

var errExchange = errors.New("cluster: not an exchange")

// exchange returns what is told to another node. The living come first, then who was alive or left last.
func (r *roster) exchange(now time.Time) exchange {
	e := exchange{instance: r.self}
	for instance, p := range r.peers {
		age := now.Sub(p.lived)
		if p.standing == alive {
			age = 0
		}
		e.known = append(e.known, remembered{instance, p.member.Gossip, p.standing == departed, age})
	}
	slices.SortFunc(e.known, func(a, b remembered) int {
		return cmp.Or(cmp.Compare(a.age, b.age), cmp.Compare(a.instance, b.instance))
	})
	e.known = e.known[:min(len(e.known), maxRemembered)]
	return e
}

// merge takes in what another node told, and returns who is thereby known to have left. What either knew later counts; what is older
// than memory does not.
func (r *roster) merge(e exchange, now time.Time) []Member {
	var left []Member
	for _, k := range e.known {
		switch {
		case k.age > memory:
		case !k.left:
			r.hear(k.instance, k.gossip, now.Add(-k.age))
		case r.depart(k.instance, k.gossip, now.Add(-k.age)):
			left = append(left, r.peers[k.instance].member)
		}
	}
	r.forget(now)
	return left
}

// append appends the exchange: version, instance, count, then for each peer its instance, whether it left, age in seconds, and
// gossip address. At most maxExchange bytes with maxRemembered peers.
func (e exchange) append(b []byte) []byte {
	b = append(b, exchangeVersion)
	b = binary.BigEndian.AppendUint64(b, e.instance)
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.known)))
	for _, k := range e.known {
		b = binary.BigEndian.AppendUint64(b, k.instance)
		flags := byte(0)
		if k.left {
			flags = 1
		}
		// Rounded up: an age that went down with each exchange would never pass memory.
		seconds := (max(k.age, 0) + time.Second - 1) / time.Second
		b = binary.BigEndian.AppendUint32(append(b, flags), uint32(min(seconds, 1<<31)))
		b = appendAddress(b, k.gossip)
	}
	return b
}

// parseExchange reads what append wrote, or a later version of it. It allocates for at most as many peers as the bytes can hold.
func parseExchange(b []byte) (exchange, error) {
	const head, shortest = 1 + 8 + 2, 8 + 1 + 4 + 1 + 4 + 2
	if len(b) < head || len(b) > maxExchange || b[0] < exchangeVersion {
		return exchange{}, errExchange
	}
	e := exchange{instance: binary.BigEndian.Uint64(b[1:])}
	count, b := int(binary.BigEndian.Uint16(b[9:])), b[head:]
	if e.instance == 0 || count > maxRemembered || count > len(b)/shortest {
		return exchange{}, errExchange
	}
	e.known = make([]remembered, 0, count)
	for range count {
		if len(b) < shortest {
			return exchange{}, errExchange
		}
		k := remembered{instance: binary.BigEndian.Uint64(b), left: b[8]&1 != 0,
			age: time.Duration(binary.BigEndian.Uint32(b[9:])) * time.Second}
		var ok bool
		k.gossip, b, ok = cutAddress(b[13:])
		if !ok || !k.gossip.IsValid() || k.instance == 0 {
			return exchange{}, errExchange
		}
		e.known = append(e.known, k)
	}
	return e, nil
}
