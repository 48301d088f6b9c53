package history

import "time"

// catchUps measures how long each subscriber that came back took, from its first try, until it had all that was acknowledged when it
// was let in.
func catchUps(events []Event) Spread {
	type behind struct {
		began time.Duration
		head  position
	}
	heads := make(map[string]position)
	lasts := make(map[streamKey]position)
	waiting := make(map[streamKey]behind)
	var took []time.Duration
	for i := range events {
		e := &events[i]
		key := streamKey{e.Client, e.Channel}
		switch e.Kind {
		case OK:
			if head := heads[e.Channel]; head.epoch != e.Epoch || head.offset < e.Offset {
				heads[e.Channel] = e.position()
			}
		case Attach:
			last, known := lasts[key]
			switch head := heads[e.Channel]; {
			case !known:
				lasts[key] = e.position()
			case last.epoch == head.epoch && last.offset >= head.offset:
				took = append(took, e.At-e.Began)
			default:
				waiting[key] = behind{e.Began, head}
			}
		case Message, Gap:
			lasts[key] = e.position()
			if b, ok := waiting[key]; ok && (e.Epoch != b.head.epoch || e.Offset >= b.head.offset) {
				took = append(took, e.At-b.began)
				delete(waiting, key)
			}
		}
	}
	return spread(took)
}
