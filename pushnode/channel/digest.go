package channel

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// digest is a running hash of commands and their results: equal on all copies of a slot that applied the same log the same way.
// It finds mistakes, it does not resist an attacker.
type digest uint64

// number folds n in.
func (d *digest) number(n uint64) {
	const prime = 0x9E3779B97F4A7C15
	*d = digest(bits.RotateLeft64((uint64(*d)^n)*prime, 29))
}

func (d *digest) text(s string)  { d.number(xxhash.Sum64String(s)) }
func (d *digest) bytes(b []byte) { d.number(xxhash.Sum64(b)) }

// result folds in what a command answered.
func (d *digest) result(r *Result) {
	if r.Err != nil {
		d.number(uint64(refusal(r.Err)))
	}
	d.number(r.Position.Epoch.Incarnation)
	d.number(r.Position.Offset)
	d.number(r.Version)
	d.number(r.Session.Generation)
}
