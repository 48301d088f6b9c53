package verify

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// sse receives an event stream: section 5.1 of the protocol.
func (f *follower) sse(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.node+"/v1/sse?"+f.query().Encode(), nil)
	if err != nil {
		return err
	}
	f.target.authorize(request.Header)
	// Who hears nothing for so long, the answer included, goes elsewhere.
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	answer, err := f.target.client.Do(request)
	if err != nil {
		return f.quiet(ctx, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // the status says enough
		return newRefusal(answer.StatusCode, text)
	}
	events := bufio.NewScanner(answer.Body)
	events.Buffer(nil, maxFrame)
	var name string
	for events.Scan() {
		watchdog.Reset(silence)
		field, value, _ := bytes.Cut(events.Bytes(), []byte(": "))
		switch string(field) {
		case "event":
			name = string(value)
		case "data":
			got, err := decode(value)
			if err != nil {
				return err
			}
			got.Op = name
			if err := f.handle(got); err != nil {
				return err
			}
		}
	}
	if err := events.Err(); err != nil {
		return f.quiet(ctx, err)
	}
	return io.EOF
}

// quiet tells a connection that the watchdog cut from one that broke.
func (f *follower) quiet(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.DeadlineExceeded
	}
	return err
}

// query names the channels and where to go on.
func (f *follower) query() url.Values {
	query := url.Values{"channel": f.channels}
	if cursor := f.cursor(); cursor != "" {
		query.Set("cursor", cursor)
	}
	return query
}
