package link

import "time"

// Judge does what the heart does at a tick.
func (m *Mesh) Judge(now, gap time.Duration) { m.judge(now, gap) }

// Now is the mesh's clock.
func (m *Mesh) Now() time.Duration { return m.now() }

// MaxStrangers is the bound of connections that are not welcomed yet.
const MaxStrangers = maxStrangers
