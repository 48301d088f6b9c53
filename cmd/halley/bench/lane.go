package bench

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// lane is a publisher: one keep-alive connection, one request after the other. It belongs to one goroutine.
type lane struct {
	run   *run
	flows []*flow // taken in turn
	size  int     // of a payload, in bytes

	conn         net.Conn
	request      []byte // written anew for each message, in the same space
	id, data     []byte
	answer       []byte
	acknowledged histogram
}

// answerSize bounds an answer, in bytes.
const answerSize = maxHead + 4<<10

// lane adds a publisher to the run.
func (r *run) lane(ctx context.Context, flows []*flow) (*lane, error) {
	conn, err := r.dialer.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	l := &lane{run: r, flows: flows, size: r.options.Bytes, conn: conn, answer: make([]byte, answerSize)}
	r.lanes = append(r.lanes, l)
	return l, nil
}

// warm publishes one message to each flow and waits until it is everywhere: connections, routes and caches are then in place.
func (l *lane) warm(ctx context.Context) error {
	for _, f := range l.flows {
		if err := l.publish(ctx, f); err != nil {
			return err
		}
	}
	l.acknowledged = histogram{}
	return l.drain(ctx)
}

// loop publishes until end, to one flow after the other, one message in each space of every, or as fast as it can if that is 0. What is
// under way at the end is waited for.
func (l *lane) loop(ctx context.Context, end time.Time, every time.Duration) error {
	begun := time.Now()
	for i := 0; ; i++ {
		if every > 0 && !sleep(ctx, time.Until(begun.Add(time.Duration(i)*every))) {
			return ctx.Err()
		}
		if !time.Now().Before(end) {
			return l.drain(ctx)
		}
		if err := l.publish(ctx, l.flows[i%len(l.flows)]); err != nil {
			return err
		}
	}
}

// drain waits until everything that was published is everywhere.
func (l *lane) drain(ctx context.Context) error {
	for _, f := range l.flows {
		if err := f.drain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// publish publishes the next message of a flow and waits until it is acknowledged.
func (l *lane) publish(ctx context.Context, f *flow) error {
	number, err := f.begin(ctx, l.run.clock)
	if err != nil {
		return err
	}
	l.write(f, number)
	begun := time.Now()
	if err := l.exchange(begun); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	l.acknowledged.add(int64(time.Since(begun)))
	l.run.published.Add(1)
	return nil
}

// write makes the request.
func (l *lane) write(f *flow, number uint32) {
	l.id = append(append(l.id[:0], l.run.name...), '-')
	l.id = strconv.AppendInt(l.id, int64(f.index), 10)
	l.id = strconv.AppendUint(append(l.id, '-'), uint64(number), 10)
	l.data = appendPayload(l.data[:0], l.size, f.index, number)
	l.request = l.run.target.Dialect.AppendPublish(l.request[:0], l.run.target.URL.Host, f.topic.name, l.id, l.data)
}

// exchange sends the request and reads the whole answer, which must be one of success.
func (l *lane) exchange(now time.Time) error {
	if err := l.conn.SetDeadline(now.Add(l.run.options.Patience)); err != nil {
		return err
	}
	if _, err := l.conn.Write(l.request); err != nil {
		return err
	}
	for read := 0; read < len(l.answer); {
		n, err := l.conn.Read(l.answer[read:])
		if err != nil {
			return err
		}
		read += n
		h, length, err := parseHead(l.answer[:read])
		switch {
		case err != nil:
			return err
		case length == 0:
			continue
		case h.status/100 != 2:
			return fmt.Errorf("the server refused: %.300s", l.answer[:read])
		case h.length < 0:
			return errNoHead
		case read >= length+h.length:
			return nil
		}
	}
	return errTooLong
}

func (l *lane) close() { _ = l.conn.Close() }
