package pushnode

import (
	"fmt"

	"halley/pushnode/host"
)

// Report is what an operator wants to know of a node. Instances are hexadecimal, as in logs.
type Report struct {
	State   string `json:"state"` // joining, ready or draining
	Cluster string `json:"cluster"`
	host.Report
	Waits       []string         `json:"waits,omitempty"`
	Followers   []FollowerReport `json:"followers"`
	Peers       []PeerReport     `json:"peers"`
	Connections int              `json:"connections"`
	Pending     int              `json:"pending"`  // applied changes that wait for their fan-out
	Pressure    string           `json:"pressure"` // normal, crowded, strained or critical
}

// FollowerReport is how far another node's copies of the slots that this one leads have come.
type FollowerReport struct {
	Instance  string `json:"instance"`
	Copies    int    `json:"copies"`
	Behind    int    `json:"behind"`
	Suspended int    `json:"suspended"`
	Entries   uint64 `json:"entries"`
	Bytes     int    `json:"bytes"`
}

// PeerReport is another member as this node sees it.
type PeerReport struct {
	Instance string `json:"instance"`
	Name     string `json:"name"`
	State    string `json:"state"`
	Address  string `json:"address"` // of its links
	Linked   bool   `json:"linked"`  // frames can travel both ways
}

// Report looks at the node.
func (n *Node) Report() Report {
	slots := n.slots.host.Report(n.slots.clock.now())
	report := Report{
		State: n.state(), Cluster: instanceText(n.slots.cluster), Report: slots,
		Followers: []FollowerReport{}, Peers: []PeerReport{},
		Connections: n.sessions.Connections(), Pending: int(n.deliveries.pending()), Pressure: n.guard.now().String(),
	}
	for _, instance := range slots.Waits {
		report.Waits = append(report.Waits, instanceText(instance))
	}
	for _, f := range slots.Followers {
		report.Followers = append(report.Followers, FollowerReport{
			Instance: instanceText(f.Instance), Copies: f.Copies, Behind: f.Behind, Suspended: f.Suspended, Entries: f.Entries, Bytes: f.Bytes,
		})
	}
	if n.peers != nil {
		report.Peers = n.peers.report()
	}
	return report
}

func (n *Node) state() string {
	switch {
	case n.draining.Load():
		return "draining"
	case !n.joined.Load():
		return "joining"
	default:
		return "ready"
	}
}

func instanceText(id uint64) string { return fmt.Sprintf("%016x", id) }

// report lists the other members.
func (p *peers) report() []PeerReport {
	list := []PeerReport{}
	for _, member := range p.members.View() {
		if member.Instance == p.node.instance {
			continue
		}
		list = append(list, PeerReport{
			Instance: instanceText(member.Instance), Name: member.Name, State: member.State.String(),
			Address: member.Links.String(), Linked: p.mesh.Linked(member.Instance),
		})
	}
	return list
}

// Bury takes an operator's word that instances are dead for ever. An error names one that this node has a link to.
func (n *Node) Bury(dead []uint64) error { return n.slots.host.Recover(n.slots.clock.now(), dead) }
