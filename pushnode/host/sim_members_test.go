package host_test

// Times of membership, as memberlist was measured with our settings.
const (
	lookTime  = 250 * millisecond
	deadLow   = 3000 * millisecond
	deadHigh  = 5500 * millisecond
	joinLow   = 100 * millisecond
	joinHigh  = 1500 * millisecond
	leaveHigh = 300 * millisecond
)

// membership is a model of memberlist: every node sees others come and go, each in its own time. Nodes that any path of others connects
// see each other.
func (w *world) membership() {
	for _, observer := range w.all {
		if observer.alive && !observer.paused {
			w.observe(observer)
		}
	}
	w.after(lookTime, w.membership)
}

func (w *world) observe(observer *node) {
	reached := w.reached(observer)
	changed := false
	for _, other := range w.all {
		if other == observer || w.nodes[other.instance] != other {
			continue
		}
		seen, is := observer.view[other.instance], reached[other.instance]
		due, planned := observer.changing[other.instance]
		switch {
		case seen == is:
			delete(observer.changing, other.instance)
		case !planned && is:
			observer.changing[other.instance] = w.now + w.between(joinLow, joinHigh)
		case !planned && other.left:
			observer.changing[other.instance] = w.now + w.between(0, leaveHigh)
		case !planned:
			observer.changing[other.instance] = w.now + w.between(deadLow, deadHigh)
		case w.now >= due:
			delete(observer.changing, other.instance)
			changed = true
			if is {
				observer.view[other.instance] = true
				w.network.connect(observer, other)
			} else {
				delete(observer.view, other.instance)
				other.dropped = true
			}
		}
	}
	if changed {
		observer.setView()
	}
}

// reached is the nodes that a path of working pairs connects with one.
func (w *world) reached(from *node) map[uint64]bool {
	reached := map[uint64]bool{from.instance: true}
	for list := []*node{from}; len(list) > 0; list = list[1:] {
		for _, other := range w.all {
			if !reached[other.instance] && other.alive && !other.paused && !w.network.isCut(list[0], other) && !w.network.isCut(other, list[0]) {
				reached[other.instance] = true
				list = append(list, other)
			}
		}
	}
	return reached
}
