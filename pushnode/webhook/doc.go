// Package webhook tells apps over HTTP what happened in their channels, as Pusher does ("Webhooks" in its documentation): it puts events
// together for each endpoint that wants them, signs them, sends them, and tries again with growing waits for five minutes.
//
// It does not decide what happened (package channel), who wants to know it (package tenant), or keep anything beyond this process: what
// must outlive it is kept by whoever gave the event, until its Done is called.
//
// Start reading at Engine.Take, then courier.go: the way of an event. sender.go is what goes over the wire. DESIGN.md says why.
package webhook
