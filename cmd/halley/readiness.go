package main

import (
	"errors"
	"net/http"
	"sync/atomic"

	"halley/pushnode"
)

// errSeeking is why a process is not ready that is no node yet.
var errSeeking = errors.New("joining: its cluster is not found yet")

// readiness is what the operator's port says, which is there before the node is: a node may have to wait for its cluster.
type readiness struct {
	node atomic.Pointer[pushnode.Node] // nil: there is none yet
}

func (r *readiness) check() error {
	if node := r.node.Load(); node != nil {
		return node.Ready()
	}
	return errSeeking
}

// admits is check for new clients.
func (r *readiness) admits() error {
	if node := r.node.Load(); node != nil {
		return node.Admits()
	}
	return errSeeking
}

// serveHottest has the node answer what it and the others are busy with.
func (r *readiness) serveHottest(w http.ResponseWriter, request *http.Request) {
	if node := r.node.Load(); node != nil {
		node.ServeHottest(w, request)
		return
	}
	healthHandler(r.admits).ServeHTTP(w, request)
}
