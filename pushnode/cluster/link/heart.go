package link

import "time"

// The heart of the mesh. A control connection is judged by heartbeats alone that are five times as frequent as it may be silent
// (note, 3.6); the others by theirs, for a connection that a firewall has forgotten looks open for a quarter of an hour.
const (
	beatInterval = 200 * time.Millisecond // of heartbeats on control; without jitter, it sends nothing by itself
	clockBeats   = 5                      // every fifth wants an answer, for the clocks
	slowBeats    = 5                      // with every fifth comes one on the others
	silence      = time.Second            // on control
	slowSilence  = 5 * time.Second        // on the others
	pauseToCount = 200 * time.Millisecond
)

// beat sends heartbeats and gives up links that are silent, until the mesh ends. It wakes for the one and for the other, so that silence
// is told to the moment: nodes that miss a third one together are to agree on that.
func (m *Mesh) beat() {
	next := m.now() // when heartbeats are due
	due := next     // when it wants to wake
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for n := 0; ; {
		select {
		case <-m.ctx.Done():
			return
		case <-alarm.C:
		}
		now := m.now()
		m.judge(now, now-due)
		if now >= next {
			m.pulse(n)
			n++
			next = max(next+beatInterval, now)
		}
		due = min(next, m.nextSilence(now))
		alarm.Reset(due - now)
	}
}

// pulse sends the heartbeats of the nth beat.
func (m *Mesh) pulse(n int) {
	for _, l := range *m.live.Load() {
		for _, s := range l.streams {
			switch {
			case s.class == Control && n%clockBeats == 0:
				s.out.put(pingKind, ping(m.now()))
			case s.class == Control, n%slowBeats == 0:
				s.out.put(pingKind, nil)
			}
		}
	}
}

// nextSilence is when the first link will have been silent for too long if nothing comes. One that has been is about to end.
func (m *Mesh) nextSilence(now time.Duration) time.Duration {
	first := now + beatInterval
	for _, l := range *m.live.Load() {
		for _, s := range l.streams {
			if at := s.patience(); at > now {
				first = min(first, at)
			}
		}
	}
	return first
}

// judge gives up links that are silent. A time in which this process did not run although it wanted to does not count: what came
// meanwhile waits in the sockets, and is read first.
func (m *Mesh) judge(now, gap time.Duration) {
	for _, l := range *m.live.Load() {
		for _, s := range l.streams {
			if gap > pauseToCount {
				s.excuse(now, gap)
			}
			if s.silent(now) {
				l.end(Silent)
			}
		}
	}
}

// begin makes the stream one that can be silent.
func (s *stream) begin(now time.Duration) {
	s.heard.Store(int64(now))
	s.busy.Store(false)
}

// silent reports whether nothing has come for too long.
func (s *stream) silent(now time.Duration) bool { return !s.busy.Load() && now >= s.patience() }

// patience is until when something must come.
func (s *stream) patience() time.Duration {
	limit := slowSilence
	if s.class == Control {
		limit = silence
	}
	return time.Duration(s.heard.Load()) + limit
}

// excuse lets a time not count as silence. If something comes at this moment, what it notes may stand or not: both are late enough.
func (s *stream) excuse(now, gap time.Duration) {
	heard := time.Duration(s.heard.Load())
	s.heard.Store(int64(min(now, heard+gap)))
}
