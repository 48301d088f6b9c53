package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"halley/cmd/halley/verify/history"
)

// Load is who publishes and who receives.
type Load struct {
	Prefix     string // of the channels' names: another one for each run, so that no run sees another's messages
	Channels   int
	Publishers int           // of each channel
	Every      time.Duration // between two publishes of one publisher
	Followers  int           // of all channels; each follows one or two
	Members    int           // of the channel that has presence
	Life       time.Duration // of a follower's connection, about
	Transports []Transport   // of the followers, in turn
	Ballast    int           // megabytes that are published before, and that nobody follows
	Patience   time.Duration // for one message to be acknowledged, over all tries, and for everything to arrive at the end
}

// How long a run waits for what must happen.
const (
	attachPatience   = 30 * time.Second // every follower has subscribed
	presencePatience = 80 * time.Second // ghosts of nodes that died leave after a minute
	presenceName     = "presence"
	readEvery        = 500 * time.Millisecond
)

// crowd is the clients of one run.
type crowd struct {
	Load
	target     *Target
	recorder   *Recorder
	channels   []string
	followers  []*follower
	publishers []*publisher
}

func newCrowd(l Load, target *Target, recorder *Recorder) *crowd {
	c := &crowd{Load: l, target: target, recorder: recorder}
	for i := range l.Channels {
		c.channels = append(c.channels, fmt.Sprintf("%s-%d", l.Prefix, i))
	}
	for i := range l.Followers {
		transport := l.Transports[i%len(l.Transports)]
		channels := []string{c.channels[i%l.Channels]}
		if i%2 == 1 && l.Channels > 1 && transport != Poll && transport != Roam {
			channels = append(channels, c.channels[(i+1)%l.Channels])
		}
		c.followers = append(c.followers, c.follower(fmt.Sprintf("%s-%d", transport, i), transport, channels))
	}
	if l.Members > 0 {
		c.channels = append(c.channels, l.Prefix+"-"+presenceName)
		for i := range l.Members {
			f := c.follower(fmt.Sprintf("member-%d", i), Session, c.channels[l.Channels:])
			f.presence = true
			c.followers = append(c.followers, f)
		}
	}
	for _, channel := range c.channels {
		for i := range l.Publishers {
			c.publishers = append(c.publishers, &publisher{
				target: target, recorder: recorder, name: fmt.Sprintf("%s-p%d", channel, i), channel: channel,
				every: l.Every, patience: l.Patience,
			})
		}
	}
	return c
}

func (c *crowd) follower(name string, transport Transport, channels []string) *follower {
	return &follower{
		target: c.target, recorder: c.recorder, name: name, transport: transport, channels: channels, life: c.Life,
		positions: make(map[string]mark), known: make(map[string]map[string]bool),
	}
}

// run has the clients publish and receive while during runs, and then waits until everything has arrived. The history is complete
// when it returns.
func (c *crowd) run(ctx context.Context, during func(context.Context) error) error {
	following, stopFollowing := context.WithCancel(ctx)
	var followers sync.WaitGroup
	defer followers.Wait()
	defer stopFollowing()
	for _, f := range c.followers {
		followers.Go(func() { f.run(following) })
	}
	if !c.await(ctx, attachPatience, c.attached) {
		return errors.Join(ctx.Err(), errors.New("not every subscriber could subscribe"))
	}
	publishing, stopPublishing := context.WithCancel(ctx)
	var publishers sync.WaitGroup
	for _, p := range c.publishers {
		publishers.Go(func() { p.run(publishing) })
	}
	publishers.Go(func() { c.read(publishing) })
	err := during(ctx)
	stopPublishing()
	publishers.Wait()
	if err != nil {
		return err
	}
	c.recorder.Add(history.Event{Kind: history.Quiescent})
	c.await(ctx, c.Patience, c.level) // who is not level by then has lost something, which the checker finds
	if err := c.readAll(ctx); err != nil {
		return err
	}
	return c.count(ctx)
}

// await asks until the answer is yes or patience ends.
func (c *crowd) await(ctx context.Context, patience time.Duration, done func() bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if done() {
			return true
		}
		if !sleep(ctx, 50*time.Millisecond) {
			return false
		}
	}
	return done()
}

// attached reports whether every follower has subscribed to all its channels.
func (c *crowd) attached() bool {
	for _, f := range c.followers {
		for _, channel := range f.channels {
			if _, ok := f.at(channel); !ok {
				return false
			}
		}
	}
	return true
}

// level reports whether every follower has everything that was acknowledged.
func (c *crowd) level() bool {
	for _, f := range c.followers {
		for _, channel := range f.channels {
			at, _ := f.at(channel)
			if head := c.recorder.head(channel); head.epoch != "" && (at.epoch != head.epoch || at.offset < head.offset) {
				return false
			}
		}
	}
	return true
}

// page is the answer to a read of history.
type page struct {
	Messages []frame `json:"messages"`
}

// read looks into the history of one channel after the other: it must say what subscribers were told.
func (c *crowd) read(ctx context.Context) {
	for i := 0; sleep(ctx, readEvery); i++ {
		channel := c.channels[i%len(c.channels)]
		if err := c.readOne(ctx, channel, 20); err != nil && ctx.Err() == nil {
			c.recorder.Add(history.Event{Kind: history.Error, Client: "reader", Channel: channel, Status: status(err), Reason: "read: " + reason(err)})
		}
	}
}

func (c *crowd) readOne(ctx context.Context, channel string, limit int) error {
	ctx, cancel := context.WithTimeout(ctx, tryPatience)
	defer cancel()
	var got page
	address := fmt.Sprintf("%s/v1/channels/%s/messages?limit=%d", c.target.pick(""), url.PathEscape(channel), limit)
	if err := c.target.do(ctx, http.MethodGet, address, nil, &got); err != nil {
		return err
	}
	for _, m := range got.Messages {
		c.recorder.Add(history.Event{Kind: history.Read, Client: "reader", Channel: channel, ID: m.ID, Epoch: m.Epoch, Offset: m.Offset})
	}
	return nil
}

// readAll reads the history of every channel once more, in quiet.
func (c *crowd) readAll(ctx context.Context) error {
	for _, channel := range c.channels {
		if err := c.again(ctx, func() error { return c.readOne(ctx, channel, 1000) }); err != nil {
			return fmt.Errorf("read the history of %s: %w", channel, err)
		}
	}
	return nil
}

// again tries until it succeeds or patience ends.
func (c *crowd) again(ctx context.Context, do func() error) error {
	var err error
	c.await(ctx, c.Patience, func() bool { err = do(); return err == nil })
	return err
}
