package host

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// headroom is by how much (one part in so many) a node may hold more than its even share: rendezvous hashing with such a cap keeps
// both the shares and what a join moves close to ideal.
const headroom = 10

// placement says where each slot belongs: the instances that should hold a copy, the one that should lead first. It is a function of
// the set of nodes alone, so that nodes with the same view agree on it. It is a wish: only a slot's leader acts on it.
type placement [][]uint64

// weighted is a node with its claim to a slot.
type weighted struct {
	node   *Node
	weight uint64
}

// place computes the placement of slots over nodes. The claim to a slot follows from the node's name: a node that starts again gets
// back what it had. Nodes that leave get nothing, those that drain only what too few others could hold.
func place(nodes []Node, slots, copies int) placement {
	able := make([]*Node, 0, len(nodes))
	for i := range nodes {
		if !nodes[i].Leaving {
			able = append(able, &nodes[i])
		}
	}
	draining := func(n *Node) bool { return n.Draining }
	leaders := slices.DeleteFunc(slices.Clone(able), draining)
	if len(leaders) >= copies {
		able = leaders
	}
	copies = min(copies, len(able))
	held, led := make(map[uint64]int), make(map[uint64]int)
	holdCap, leadCap := share(slots*copies, len(able)), share(slots, len(leaders))
	targets := make(placement, slots)
	for slot := range targets {
		claims := claimsTo(slot, able)
		targets[slot] = instances(leaderFirst(choose(claims, copies, held, holdCap), led, leadCap))
	}
	return targets
}

// share is what a node may hold of a total.
func share(total, nodes int) int {
	if nodes == 0 {
		return 0
	}
	return (total*(headroom+1) + nodes*headroom - 1) / (nodes * headroom)
}

// claimsTo orders the nodes by their claim to a slot, the highest first.
func claimsTo(slot int, nodes []*Node) []weighted {
	claims := make([]weighted, len(nodes))
	for i, node := range nodes {
		claims[i] = weighted{node: node, weight: weight(node, slot)}
	}
	slices.SortFunc(claims, func(a, b weighted) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.node.Instance, b.node.Instance))
	})
	return claims
}

func weight(node *Node, slot int) uint64 {
	key := binary.LittleEndian.AppendUint64(make([]byte, 0, 64), uint64(slot))
	return xxhash.Sum64(append(key, node.Name...))
}

// choose takes the nodes with the highest claims that are below their cap, from different zones where there are enough.
func choose(claims []weighted, copies int, held map[uint64]int, limit int) []*Node {
	var chosen []*Node
	zones := make(map[string]bool)
	take := func(apart, capped bool) {
		for _, claim := range claims {
			node := claim.node
			switch {
			case len(chosen) == copies:
				return
			case slices.Contains(chosen, node), apart && zones[node.Zone], capped && held[node.Instance] >= limit:
				continue
			}
			chosen = append(chosen, node)
			zones[node.Zone] = true
			held[node.Instance]++
		}
	}
	take(true, true)
	take(false, true)
	take(false, false) // the last slots may find all nodes but one at their cap
	return chosen
}

// leaderFirst puts the node first that should lead: the highest claim of those that stay and do not lead their share yet.
func leaderFirst(chosen []*Node, led map[uint64]int, limit int) []*Node {
	for i, node := range chosen {
		if led[node.Instance] < limit && !node.Draining {
			copy(chosen[1:i+1], chosen[:i])
			chosen[0] = node
			break
		}
	}
	if len(chosen) > 0 {
		led[chosen[0].Instance]++
	}
	return chosen
}

func instances(nodes []*Node) []uint64 {
	list := make([]uint64, len(nodes))
	for i, node := range nodes {
		list[i] = node.Instance
	}
	return list
}
