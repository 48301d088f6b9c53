package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"halley/auth"
	"halley/console"
)

// Explain makes explained a console.Explained.
func (e explained) Explain() (int, string, time.Duration) { return e.status, e.sentence, time.Second }

// hub stands for the push node: it keeps messages, hands them out, and speaks as much of the native dialect over WebSocket as the
// pane needs. What it gives out as tokens it asks for again.
type hub struct {
	mu       sync.Mutex
	messages map[string][]console.Message // by app and channel, the oldest first
	tokens   map[string]string            // app by token
	sockets  map[*hubSocket]bool
	refuse   error // what Publish answers, if not nil
	closed   sync.WaitGroup
	end      context.CancelFunc
	ctx      context.Context
}

type hubSocket struct {
	app     string
	follows map[string]bool
	frames  chan any
}

func newHub() *hub {
	ctx, cancel := context.WithCancel(context.Background())
	return &hub{
		messages: map[string][]console.Message{}, tokens: map[string]string{}, sockets: map[*hubSocket]bool{},
		ctx: ctx, end: cancel,
	}
}

func (h *hub) close() {
	h.end()
	h.closed.Wait()
}

// refuseWith makes Publish answer an error from now on.
func (h *hub) refuseWith(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = err
}

func (h *hub) Publish(_ context.Context, appID, channel, event string, data []byte) (console.Receipt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return console.Receipt{}, h.refuse
	}
	key := appID + "|" + channel
	offset := uint64(len(h.messages[key]) + 1)
	m := console.Message{ID: auth.NewID("msg_"), Event: event, Data: data, Offset: offset, Time: time.Now()}
	h.messages[key] = append(h.messages[key], m)
	for socket := range h.sockets {
		if socket.app == appID && socket.follows[channel] {
			select {
			case socket.frames <- frameOf(channel, m):
			default:
			}
		}
	}
	return console.Receipt{ID: m.ID, Offset: m.Offset, Copies: 1}, nil
}

func (h *hub) Recent(_ context.Context, appID, channel string, limit int) ([]console.Message, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.messages[appID+"|"+channel]
	var newest []console.Message
	for i := len(kept) - 1; i >= 0 && len(newest) < limit; i-- {
		newest = append(newest, kept[i])
	}
	return newest, nil
}

func (h *hub) SignToken(_ context.Context, appID string, _ map[string][]string, ttl time.Duration) (string, time.Time, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	token := auth.NewID("tok_")
	h.tokens[token] = appID
	return token, time.Now().Add(ttl), nil
}

func frameOf(channel string, m console.Message) any {
	return map[string]any{
		"op": "message", "channel": channel, "event": m.Event, "data": json.RawMessage(m.Data), "id": m.ID,
		"epoch": "e1", "offset": m.Offset, "timestamp": m.Time.UnixMilli(),
	}
}

// serveWebSocket is GET /v1/ws.
func (h *hub) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	h.closed.Add(1)
	defer h.closed.Done()
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	socket := &hubSocket{follows: map[string]bool{}, frames: make(chan any, 64)}
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case frame := <-socket.frames:
				if wsjson.Write(ctx, conn, frame) != nil {
					return
				}
			}
		}
	})
	defer writer.Wait()
	defer cancel()
	if token := r.URL.Query().Get("token"); token != "" {
		h.welcome(socket, token, 0)
	}
	for {
		var command struct {
			Op, Channel, Token string
			Ref                int
		}
		if wsjson.Read(ctx, conn, &command) != nil {
			h.forget(socket)
			return
		}
		switch command.Op {
		case "connect":
			h.welcome(socket, command.Token, command.Ref)
		case "subscribe":
			h.subscribe(socket, command.Channel, command.Ref)
		default:
			socket.frames <- map[string]any{"op": "ok", "ref": command.Ref}
		}
	}
}

func (h *hub) welcome(socket *hubSocket, token string, ref int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	socket.app = h.tokens[token]
	if socket.app == "" {
		fault := map[string]any{"code": 4009, "name": "unauthorized", "message": "no"}
		socket.frames <- map[string]any{"op": "error", "ref": ref, "error": fault}
		return
	}
	h.sockets[socket] = true
	frame := map[string]any{
		"op": "connected", "session": "ses_1", "resume": "ses_1.x", "resumed": false, "time": time.Now().UnixMilli(),
		"ping": 25000, "timeout": 10000, "limits": map[string]any{"message_bytes": 65536, "channels": 200},
	}
	if ref != 0 {
		frame["ref"] = ref
	}
	socket.frames <- frame
}

// subscribe answers, and sends what is kept: the pane asks for a rewind.
func (h *hub) subscribe(socket *hubSocket, channel string, ref int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	socket.follows[channel] = true
	kept := h.messages[socket.app+"|"+channel]
	socket.frames <- map[string]any{"op": "ok", "ref": ref, "channel": channel, "epoch": "e1", "offset": 0, "recovered": true}
	for _, m := range kept {
		socket.frames <- frameOf(channel, m)
	}
}

func (h *hub) forget(socket *hubSocket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sockets, socket)
}

// logBook collects the log.
type logBook struct {
	mu   sync.Mutex
	text []byte
}

// Write is for slog.
func (l *logBook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, line...)
	return len(line), nil
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
