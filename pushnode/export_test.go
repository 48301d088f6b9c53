package pushnode

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"halley/pushnode/host"
)

// What tests in package pushnode_test look at.

// Slot is the slot of an app's channel or session, as this node sees it.
func (n *Node) Slot(app, name string) host.Status { return n.slots.host.Status(slotOf(app, name)) }

// SlotOf places an app's channel.
func (n *Node) SlotOf(app, name string) int { return slotOf(app, name) }

// Level reports whether this node holds all that it should, and knows every leader.
func (n *Node) Level() bool { return n.slots.host.Level() }

// Sessions is how many sessions of an app this node holds that have a record.
func (n *Node) Sessions(app string) int {
	return len(n.sessions.Lasting(func(of, _ string) bool { return of == app }))
}

// Instance is the id of this process life.
func (n *Node) Instance() uint64 { return n.instance }

// DecodeQuestion decodes a question of another node and encodes it again.
func DecodeQuestion(data []byte) ([]byte, error) {
	asked, err := decodeQuestion(data)
	return encodePeer(asked), err
}

// EncodeDisconnect encodes the question to end a session.
func EncodeDisconnect(app, session string) []byte {
	return encodePeer(question{Disconnect: &disconnectQuestion{App: app, Session: session}})
}

// DecodePeerAnswer decodes the answer of another node and encodes it again.
func DecodePeerAnswer(data []byte) ([]byte, error) {
	answered, err := decodePeerAnswer(data)
	return encodePeer(answered), err
}

// Attached reports whether the record of a session shows a connection.
func (n *Node) Attached(ctx context.Context, app, session string) (bool, error) {
	alive, err := n.alive(ctx, appSlot{app, slotOf(app, session)}, []string{session})
	return alive[session].Attached, err
}

// NewSlotMetrics tells a report of slots to Prometheus.
func NewSlotMetrics(report func() host.Report) prometheus.Collector { return newSlotMetrics(report) }
