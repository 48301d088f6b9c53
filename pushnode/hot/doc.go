// Package hot keeps track of the few things of very many of which most happens, within a fixed amount of memory and at a price that does
// not show on a message's way.
//
// It does not know what the things are, asks no clock, and starts no goroutine.
//
// Start reading at Sketch.
package hot
