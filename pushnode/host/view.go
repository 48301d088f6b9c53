package host

import (
	"cmp"
	"maps"
	"slices"
)

// Node is one member of the cluster, as membership has it.
type Node struct {
	Instance uint64
	Name     string // stable over restarts
	Zone     string
	Draining bool  // it is about to leave: it gets nothing new
	Leaving  bool  // it only waits for its copies not to be needed any more
	Started  int64 // when it says that it started (Unix milliseconds): of two nodes that do not reach each other the older goes on
}

// view is what this node believes of the others. It is replaced as a whole, so that every slot reads it without a lock. Nothing is
// decided by a view: a wrong one costs a retry, never a message.
type view struct {
	nodes  []Node          // living members, this node among them, by instance
	since  int64           // since when nodes is as it is
	linked map[uint64]bool // peers that a link reaches
	target placement
}

func byInstance(n Node, instance uint64) int { return cmp.Compare(n.Instance, instance) }

func (v *view) has(instance uint64) bool {
	_, found := slices.BinarySearchFunc(v.nodes, instance, byInstance)
	return found
}

// able reports whether a node may be given something to do.
func (v *view) able(instance uint64) bool {
	i, found := slices.BinarySearchFunc(v.nodes, instance, byInstance)
	return found && !v.nodes[i].Draining
}

// leaves reports whether a node waits for its copies not to be needed.
func (v *view) leaves(instance uint64) bool {
	i, found := slices.BinarySearchFunc(v.nodes, instance, byInstance)
	return found && v.nodes[i].Leaving
}

func (v *view) reaches(instance, self uint64) bool { return instance == self || v.linked[instance] }

// reachesMajority reports whether this node has links to most of the voters, itself included.
func (v *view) reachesMajority(voters []uint64, self uint64) bool {
	count := 0
	for _, voter := range voters {
		if v.reaches(voter, self) {
			count++
		}
	}
	return count > len(voters)/2
}

// SetView takes note of who is a member of the cluster now. This node is always one.
func (h *Host) SetView(now int64, nodes []Node) {
	h.viewTold(now, nodes)
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Compare(a.Instance, b.Instance) })
	h.mu.Lock()
	defer h.mu.Unlock()
	next := *h.view.Load()
	next.nodes, next.since = nodes, now
	next.target = place(nodes, len(h.seats), h.config.Copies)
	h.view.Store(&next)
	for _, node := range nodes {
		delete(h.missing, node.Instance)
	}
}

func (h *Host) link(instance uint64, up bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := *h.view.Load()
	next.linked = maps.Clone(next.linked)
	if up {
		next.linked[instance] = true
	} else {
		delete(next.linked, instance)
	}
	h.view.Store(&next)
}

// missedFor is how long (milliseconds) an instance that something here still counts on has been no member.
func (h *Host) missedFor(now int64, instance uint64) int64 {
	if instance == h.config.Self || h.view.Load().has(instance) {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	since, known := h.missing[instance]
	if !known {
		since = now
		h.missing[instance] = now
	}
	return now - since
}
