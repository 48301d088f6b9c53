package session

import (
	"context"
	"net"
	"net/http"
	"time"

	"halley/pushnode/sockjs"
)

// source is where a request gets the lines of its conversation: on this node, or on another one.
type source interface {
	// await takes the lines that wait, of so many units at most and the line that goes beyond; where there are none, the first that come, a
	// heartbeat at last. over says that there will be none for this request. An error, that some may be lost.
	await(ctx context.Context, most int) (lines []byte, units int, over bool, err error)
	// lost says that what was fetched did not reach the client: it must begin anew.
	lost()
	// writeTimeout is how long the client may take for a write.
	writeTimeout() time.Duration
}

// serveLines answers a request that fetches.
func serveLines(w http.ResponseWriter, r *http.Request, call sockjs.Call, from source) {
	header := w.Header()
	eventHeader(header)
	header.Set("Content-Type", "application/javascript; charset=UTF-8")
	answer := answerLines
	if call == sockjs.CallStream {
		answer = streamLines
	}
	if err := answer(w, r, from); err != nil {
		from.lost()
	}
}

// streamLines writes lines as they come. It ends where the client leaves it by itself, since it is long: what comes then is fetched by its next
// request.
func streamLines(w http.ResponseWriter, r *http.Request, from source) error {
	lines, left, over := sockjs.Prelude, sockjs.MaxStreamUnits-len(sockjs.Prelude), false
	for {
		if err := writeLines(w, lines, from.writeTimeout()); err != nil || over || left < 0 {
			return err
		}
		var units int
		var err error
		if lines, units, over, err = from.await(r.Context(), left); err != nil {
			return err
		}
		if r.Context().Err() != nil {
			return lostLines(lines)
		}
		left -= units
	}
}

// answerLines writes the lines that there are, or the first that come.
func answerLines(w http.ResponseWriter, r *http.Request, from source) error {
	lines, _, _, err := from.await(r.Context(), sockjs.MaxStreamUnits)
	if err != nil {
		writeError(w, err) // the client takes it for the end of its connection
		return err
	}
	if r.Context().Err() != nil {
		return lostLines(lines)
	}
	if len(lines) == 0 { // another request has taken its place, or the client's next one begins anew
		lines = []byte(sockjs.Heartbeat)
	}
	return writeLines(w, lines, from.writeTimeout())
}

// lostLines is an error where somebody who is gone had fetched something.
func lostLines(lines []byte) error {
	if len(lines) == 0 || string(lines) == sockjs.Heartbeat {
		return nil
	}
	return net.ErrClosed
}

// writeLines sends lines. The deadline is renewed for each write: an answer outlives the server's WriteTimeout.
func writeLines(w http.ResponseWriter, lines []byte, timeout time.Duration) error {
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := w.Write(lines); err != nil {
		return err
	}
	return control.Flush()
}

// await implements source.
func (f *fetcher) await(ctx context.Context, most int) (lines []byte, units int, over bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.pipe.server.config.PingInterval)
	defer cancel()
	if lines, units, over = f.fetch(ctx, most); len(lines) == 0 && !over {
		f.pipe.beat()
		lines, units, over = f.take(most)
	}
	return lines, units, over, nil
}

// lost implements source.
func (f *fetcher) lost() { f.pipe.abandon() }

// writeTimeout implements source.
func (f *fetcher) writeTimeout() time.Duration { return f.pipe.server.config.WriteTimeout }
