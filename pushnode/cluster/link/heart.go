package link

import "time"

// The heart of the mesh. A control connection is judged by heartbeats alone that are five times as frequent as it may be silent
// (note, 3.6); the others by theirs, for a connection that a firewall has forgotten looks open for a quarter of an hour.
const (
	tick         = 100 * time.Millisecond // how exactly silence is told; without jitter, it sends nothing by itself
	beatTicks    = 2                      // a heartbeat every 200 ms on control
	clockTicks   = 10                     // every second one that wants an answer, for the clocks
	slowTicks    = 10                     // and every second one on the others
	silence      = time.Second            // on control
	slowSilence  = 5 * time.Second        // on the others
	pauseToCount = 200 * time.Millisecond
)

// beat sends heartbeats and gives up links that are silent, until the mesh ends.
func (m *Mesh) beat() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := m.now()
	for n := 0; ; n++ {
		select {
		case <-m.ctx.Done():
			return
		case <-ticker.C:
		}
		now := m.now()
		m.judge(now, now-last)
		last = now
		m.pulse(n)
	}
}

// pulse sends the heartbeats of the nth tick.
func (m *Mesh) pulse(n int) {
	for _, l := range *m.live.Load() {
		for _, s := range l.streams {
			switch {
			case s.class == Control && n%clockTicks == 0:
				s.out.put(pingKind, ping(m.now()))
			case s.class == Control && n%beatTicks == 0, s.class != Control && n%slowTicks == 0:
				s.out.put(pingKind, nil)
			}
		}
	}
}

// judge gives up links that are silent. A gap since the last time in which this process did not run does not count: what came
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
func (s *stream) silent(now time.Duration) bool {
	limit := slowSilence
	if s.class == Control {
		limit = silence
	}
	return !s.busy.Load() && now-time.Duration(s.heard.Load()) >= limit
}

// excuse lets a time not count as silence. If something comes at this moment, what it notes may stand or not: both are late enough.
func (s *stream) excuse(now, gap time.Duration) {
	heard := time.Duration(s.heard.Load())
	s.heard.Store(int64(min(now, heard+gap)))
}
