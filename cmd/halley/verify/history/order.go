package history

import (
	"maps"
	"slices"
)

// judgeOrder holds I5: what was acknowledged before another was sent stands before it, and with it a part of I6: an epoch that was
// acknowledged is not followed by an older one.
func (c *checker) judgeOrder() {
	for _, name := range slices.Sorted(maps.Keys(c.channels)) {
		ch := c.channels[name]
		for _, p := range ch.invoked {
			if p.bound.epoch == "" || len(p.places) == 0 {
				continue
			}
			// The first place counts: an id may be stored once more in a later epoch.
			at := slices.MinFunc(p.places, ch.compare)
			shown := p.invoke
			shown.Epoch, shown.Offset = at.epoch, at.offset
			switch {
			case ch.age(at.epoch) < ch.age(p.bound.epoch):
				c.violate(EpochBack, &shown, "%v was acknowledged before it was sent", p.bound)
			case !ch.newer(at, p.bound):
				c.violate(Overtaken, &shown, "%v was acknowledged before it was sent", p.bound)
			}
		}
	}
}
