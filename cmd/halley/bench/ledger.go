package bench

// ledger is what one subscriber has received, and what was wrong with it. It belongs to the goroutine that reads the subscriber.
type ledger struct {
	last    []uint32            // of each flow, the highest number that came
	missing map[missed]struct{} // below it, what has not come; nil while nothing is missing
	offset  uint64              // of the last message, where the server gives one

	duplicated int // came again
	disordered int // came after one that was behind it
}

// missed is a message that was skipped.
type missed struct {
	flow   int
	number uint32
}

// take notes a message, and reports whether it is the first time that it came. An offset of 0 is none.
func (l *ledger) take(flow int, number uint32, offset uint64) (fresh bool) {
	for len(l.last) <= flow {
		l.last = append(l.last, 0)
	}
	switch last := l.last[flow]; {
	case number == last+1:
		l.last[flow] = number
	case number > last:
		l.skip(flow, last+1, number)
		l.last[flow] = number
	case l.isMissing(flow, number):
		delete(l.missing, missed{flow, number})
		l.disordered++
		return true // it is counted once, whatever its offset says
	default:
		l.duplicated++
		return false
	}
	if offset != 0 && offset <= l.offset {
		l.disordered++
	}
	l.offset = max(l.offset, offset)
	return true
}

// skip notes that the numbers from first to before next are missing.
func (l *ledger) skip(flow int, first, next uint32) {
	if l.missing == nil {
		l.missing = make(map[missed]struct{})
	}
	for number := first; number < next; number++ {
		l.missing[missed{flow, number}] = struct{}{}
	}
}

func (l *ledger) isMissing(flow int, number uint32) bool {
	_, is := l.missing[missed{flow, number}]
	return is
}

// lost counts what was published and never came.
func (l *ledger) lost(t *topic) int {
	lost := len(l.missing)
	for i, f := range t.flows {
		lost += int(f.published.Load())
		if i < len(l.last) {
			lost -= int(l.last[i])
		}
	}
	return lost
}
