// Package link connects the nodes of a cluster: a link to each wanted peer, three connections each, on which frames travel in order
// and without holes until the link breaks, and then both sides are told.
//
// It knows no raft, no slots and no gossip: who is wanted, SetPeers says, and what a frame means, its receiver knows. It resends
// nothing: what a broken link lost is its users' to send again. It gathers evidence on peers (Reason) and draws no conclusion.
//
// Start reading at Mesh; peer.go is the life of a peer, link.go that of a link, heart.go how silence is told. hello.go and frame.go
// are the bytes. DESIGN.md says why.
package link
