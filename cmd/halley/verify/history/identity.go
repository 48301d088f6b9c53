package history

import (
	"maps"
	"slices"
)

// judgeIdentity holds I2 (a position shows one message to everybody), I4 (within an epoch a message has one position), I13 (what was
// refused is not there), and that nobody invents messages.
func (c *checker) judgeIdentity() {
	for _, name := range slices.Sorted(maps.Keys(c.channels)) {
		ch := c.channels[name]
		for _, at := range slices.SortedFunc(maps.Keys(ch.ids), ch.compare) {
			for i, id := range ch.ids[at] {
				shown := &Event{At: c.at, Channel: name, ID: id, Epoch: at.epoch, Offset: at.offset}
				if i > 0 {
					c.violate(Reassigned, shown, "%s stands there too", ch.ids[at][0])
				}
				if ch.publications[id] == nil {
					c.violate(Invented, shown, "nobody published it")
				}
			}
		}
		for _, p := range ch.invoked {
			c.judgePlaces(p)
		}
	}
}

func (c *checker) judgePlaces(p *publication) {
	shown := p.invoke
	for i, at := range p.places {
		shown.Epoch, shown.Offset = at.epoch, at.offset
		if p.refused && p.first == nil {
			c.violate(Resurrected, &shown, "its publisher was told that it was not stored")
		}
		for _, other := range p.places[:i] {
			if other.epoch == at.epoch {
				c.violate(Reassigned, &shown, "it stands at %v too", other)
			}
		}
	}
}

// compare orders positions of one channel.
func (ch *channel) compare(a, b position) int {
	switch {
	case ch.newer(a, b):
		return 1
	case ch.newer(b, a):
		return -1
	}
	return 0
}
