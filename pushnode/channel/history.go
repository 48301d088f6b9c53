package channel

// history is the publications that a channel keeps: a run of offsets that ends at its head.
type history struct {
	ring  ring[*Publication]
	bytes int
}

func (h *history) len() int { return h.ring.len() }

// size is what a publication counts against Retention.Bytes.
func (p *Publication) size() int { return len(p.ID) + len(p.Event) + len(p.Data) }

func (h *history) push(p *Publication) {
	h.ring.push(p)
	h.bytes += p.size()
}

// trim lets go what retention does not keep at now. It returns how many publications and bytes that were.
func (h *history) trim(keep Retention, now int64) (publications, bytes int) {
	beforeLen, beforeBytes := h.len(), h.bytes
	cutoff := now - keep.Age.Milliseconds()
	for h.len() > 0 && (h.len() > keep.Messages || h.bytes > keep.Bytes || h.ring.at(0).Time <= cutoff) {
		h.bytes -= h.ring.pop().size()
	}
	return beforeLen - h.len(), beforeBytes - h.bytes
}

// MaxPageBytes bounds the publications that one answer holds, in Retention's bytes, if they are more than one: an answer must fit into a
// frame between nodes, and is in memory more than once on its way.
const MaxPageBytes = 1 << 20

// pageAfter returns how many publications from the i-th on make a page: at most count, at least one if count is.
func (h *history) pageAfter(i, count int) int {
	bytes := 0
	for n := range count {
		if bytes += h.ring.at(i + n).size(); bytes > MaxPageBytes && n > 0 {
			return n
		}
	}
	return count
}

// pageBefore is pageAfter for those before the j-th, from the newest back.
func (h *history) pageBefore(j, count int) int {
	bytes := 0
	for n := range count {
		if bytes += h.ring.at(j - 1 - n).size(); bytes > MaxPageBytes && n > 0 {
			return n
		}
	}
	return count
}

// slice copies the publications from the i-th to before the j-th, 0 the oldest.
func (h *history) slice(i, j int) []*Publication {
	if i >= j {
		return nil
	}
	publications := make([]*Publication, 0, j-i)
	for ; i < j; i++ {
		publications = append(publications, h.ring.at(i))
	}
	return publications
}
