// Package sockjs is the bytes of a conversation over several HTTP requests, for clients of Pusher's whose WebSockets do not get through: the two
// transports of SockJS 0.3.3 that pusher-js has, xhr-streaming and xhr-polling. A client fetches lines by one request after another, and
// says something by requests beside them.
//
// It knows nothing of connections, nor of what their texts mean. Start at path.go.
package sockjs
