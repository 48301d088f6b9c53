// Package cluster knows who is in: which nodes there are, where their links listen, and which cluster they belong to.
//
// It finds peers by their addresses or by DNS, keeps a view of the living by gossip (memberlist), heals the view after a partition,
// and decides whether a node adopts a cluster's id or founds a cluster of its own. It decides nothing else: who may write is voted
// by the copies of a slot, and a view that lags costs a retry, never a message. It carries no messages of clients, places no slots
// and opens no links; those are of the packages link and host. Start reading at cluster.go, then found.go.
package cluster
