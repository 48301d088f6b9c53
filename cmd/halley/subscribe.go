package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"halley/auth"
)

type subscribeCommand struct {
	clientConfig `embed:""`

	Channels []string `arg:"" sep:"none" name:"channel" help:"Channels to follow."`
	Rewind   int      `default:"0" help:"Begin with the last N messages of each channel. Default: ${default}."`
	Count    int      `default:"0" help:"End after so many messages; 0: never. Default: ${default}."`
}

// Help is the long text of --help.
func (subscribeCommand) Help() string {
	return `Messages go to standard output; gaps, breaks and everything else to standard error. After a break the command comes back to
where it was: nothing is lost, nothing is printed twice, and where that cannot be, a gap is told. It ends with an interrupt, or when
the server says that coming back is of no use.

For example

    HALLEY_KEY=hl_pk_… halley subscribe news chat`
}

// Validate refuses what cannot be followed.
func (c subscribeCommand) Validate() error {
	if c.Rewind < 0 || c.Count < 0 {
		return errors.New("--rewind and --count must not be negative")
	}
	return c.clientConfig.Validate()
}

// Run follows the channels over one connection after the other.
func (c subscribeCommand) Run(p *process) error {
	credential, err := c.credential()
	if err != nil {
		return err
	}
	f := &follower{process: p, command: c, credential: credential, positions: make(map[string]string)}
	for {
		err := f.connection(p.ctx)
		if err == nil || p.ctx.Err() != nil {
			return nil
		}
		wait, again := f.comeback(err)
		if !again {
			return err
		}
		fmt.Fprintf(p.stderr, "halley: %v; again in %v\n", err, max(wait.Round(10*time.Millisecond), 10*time.Millisecond))
		if !sleep(p.ctx, wait) {
			return nil
		}
	}
}

// follower is what survives a connection.
type follower struct {
	process    *process
	command    subscribeCommand
	credential auth.Secret

	resume    string            // the session's resume token; empty before the first connection
	positions map[string]string // by channel: after what to go on
	printed   int
	waits     backoff
	drain     time.Duration // when the server asked to come back; 0: it did not
}

// maxFrame holds the largest message an app may allow, and what surrounds it.
const maxFrame = 16 << 20

// connection lives one connection. It returns nil when there is nothing more to do.
func (f *follower) connection(ctx context.Context) error {
	socket, err := f.dial(ctx)
	if err != nil {
		return err
	}
	defer socket.CloseNow()
	socket.SetReadLimit(maxFrame)
	hello, err := f.greet(ctx, socket)
	if err != nil {
		return err
	}
	// A server that has said nothing for so long is not there any more.
	silence := time.Duration(hello.Ping+hello.Timeout) * time.Millisecond
	for {
		frame, err := readFrame(ctx, socket, silence)
		if err != nil {
			return err
		}
		done, err := f.handle(frame)
		if done {
			_ = socket.Close(websocket.StatusNormalClosure, "")
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (f *follower) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, f.command.Timeout)
	defer cancel()
	endpoint := "ws" + strings.TrimPrefix(f.command.endpoint("/v1/ws"), "http")
	socket, response, err := websocket.Dial(ctx, endpoint, &websocket.DialOptions{HTTPHeader: http.Header{"User-Agent": {"halley"}}})
	if err != nil && response != nil && response.StatusCode != http.StatusSwitchingProtocols {
		return nil, newRefusal(response, nil)
	}
	return socket, err
}

// greet sends the credential and what to resume, and subscribes what the server cannot know yet. The credential goes into a
// frame, because URLs end in the logs of proxies.
func (f *follower) greet(ctx context.Context, socket *websocket.Conn) (*frame, error) {
	ctx, cancel := context.WithTimeout(ctx, f.command.Timeout)
	defer cancel()
	hello := command{Op: "connect", Ref: 1, Session: f.resume, Cursor: f.cursor()}
	if strings.HasPrefix(f.credential.Reveal(), "hl_") {
		hello.Key = f.credential.Reveal()
	} else {
		hello.Token = f.credential.Reveal()
	}
	if err := send(ctx, socket, hello); err != nil {
		return nil, err
	}
	answer, err := readFrame(ctx, socket, f.command.Timeout)
	if err != nil {
		return nil, err
	}
	if answer.Op != "connected" {
		return nil, answer.fault()
	}
	f.resume, f.drain = answer.Resume, 0
	for i, name := range f.command.Channels {
		if f.positions[name] != "" {
			continue
		}
		if err := send(ctx, socket, command{Op: "subscribe", Ref: i + 2, Channel: name, Rewind: f.command.Rewind}); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// cursor names the positions of all channels: section 1 of the protocol.
func (f *follower) cursor() string {
	var items []string
	for name, position := range f.positions {
		items = append(items, name+"*"+position)
	}
	return strings.Join(items, "~")
}

// handle takes one frame of the server's. done says that enough messages were printed.
func (f *follower) handle(frame *frame) (done bool, err error) {
	switch frame.Op {
	case "message":
		f.waits = backoff{} // the connection works
		f.positions[frame.Channel] = frame.position()
		if err := f.print(frame); err != nil {
			return false, err
		}
		f.printed++
		return f.printed == f.command.Count, nil
	case "ok", "subscribed":
		f.waits = backoff{}
		f.positions[frame.Channel] = frame.position()
	case "gap":
		f.positions[frame.Channel] = frame.position()
		f.tell("gap in %s: %s, going on after %s", frame.Channel, frame.Reason, frame.position())
	case "dropped":
		f.tell("%d messages of %s were dropped: this client is too slow", frame.Count, frame.Channel)
	case "suspended":
		f.tell("%s is suspended for now", frame.Channel)
	case "expiring":
		f.tell("the token ends in %v", time.Duration(frame.In)*time.Millisecond)
	case "unsubscribed":
		return false, fmt.Errorf("%s: %w", frame.Channel, frame.fault())
	case "error":
		return false, frame.fault()
	case "drain":
		f.drain = time.Duration(frame.ReconnectIn) * time.Millisecond
	}
	return false, nil
}

func (f *follower) print(frame *frame) error {
	line, err := json.Marshal(message{
		Channel: frame.Channel, Event: frame.Event, Data: frame.Data, ID: frame.ID,
		Epoch: frame.Epoch, Offset: frame.Offset, Timestamp: frame.Timestamp,
	})
	if err != nil {
		return fmt.Errorf("message %s: %w", frame.ID, err)
	}
	return printJSON(f.process.stdout, jsontext.Value(line))
}

func (f *follower) tell(format string, arguments ...any) {
	fmt.Fprintf(f.process.stderr, "halley: "+format+"\n", arguments...)
}

// comeback says whether and when to connect again: by the range of the code that ended the connection, section 4.4.
func (f *follower) comeback(err error) (wait time.Duration, again bool) {
	code := int(websocket.CloseStatus(err))
	if fault, ok := errors.AsType[*pushError](err); ok {
		code = fault.Code
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		return max(f.waits.next(), refused.retryAfter), refused.temporary()
	}
	switch {
	case code >= 4000 && code < 4100, code >= 4300 && code < 4400:
		return 0, false
	case f.drain > 0:
		wait, f.drain = f.drain, 0 // once: a server that is not there by then has not said when it will be
		return wait, true
	case code >= 4200 && code < 4300 && f.waits.tries == 0:
		f.waits.tries++
		return rand.N(firstWait), true
	default:
		return f.waits.next(), true
	}
}
