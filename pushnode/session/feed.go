package session

import (
	"context"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// pageMessages is how many publications are read from a slot at a time.
const pageMessages = 100

// feed writes the next part of what a subscription has missed, at most writeBytes of it, and makes it live when there is no more.
// An error is one of the transport.
func (c *connection) feed(ctx context.Context, sub *subscription) error {
	if err := c.feedPresence(ctx, sub); err != nil {
		return err
	}
	at, hungry := sub.entry.look(sub)
	if !hungry {
		return nil
	}
	if sub.page == nil {
		page, err := c.readBacklog(ctx, sub, at)
		if err != nil {
			return c.suspend(ctx, sub, err)
		}
		page.goesOn = sub.entry.begin(sub, page.from, page.doubt)
		sub.page = page
	}
	page := sub.page
	items, next := c.nextItems(sub)
	if !sub.entry.writing(sub, next) {
		return nil // another connection has taken over
	}
	if len(items) > 0 {
		if err := c.write(items); err != nil {
			return err
		}
	}
	sub.entry.written(sub)
	if len(page.publications) > 0 {
		c.outbox.hungry(sub, time.Time{})
		return nil
	}
	sub.page = nil
	if !sub.entry.catchUp(sub, page.head) {
		c.outbox.hungry(sub, time.Time{})
	}
	return nil
}

// page is a backlog that is being written.
type page struct {
	intro        []wire.Push // told before the publications
	publications []*channel.Publication
	epoch        channel.Epoch
	text         string           // of the epoch
	doubt        bool             // intro tells a gap
	rewound      bool             // the publications were there before the client subscribed, and it asked for the last few
	goesOn       bool             // the client was told before that its continuity cannot be decided
	from         channel.Position // where the publications that are left begin
	end          channel.Position
	head         channel.Position
}

// readBacklog asks the slot for what follows the subscription's position.
func (c *connection) readBacklog(ctx context.Context, sub *subscription, at place) (*page, error) {
	ctx, cancel := context.WithTimeout(ctx, c.server.config.CommandTimeout)
	defer cancel()
	c.server.metrics.pages.Inc()
	backlog, err := c.server.backend.Backlog(ctx, sub.entry.id, at.start(), pageMessages)
	if err != nil {
		return nil, err
	}
	return c.server.newPage(sub.entry.id.Name, backlog, at), nil
}

// newPage prepares a backlog for writing, with what is to be told before it.
func (s *Server) newPage(name string, backlog channel.Backlog, at place) *page {
	p := &page{
		publications: backlog.Publications, epoch: backlog.Position.Epoch, text: backlog.Position.Epoch.String(),
		from: backlog.From, end: backlog.Position, head: backlog.Head,
	}
	gap := backlog.Gap
	switch {
	case gap == nil && at.uncertain:
		gap = &channel.Gap{Reason: channel.ReasonUncertain}
	case gap != nil && gap.Reason == channel.ReasonEvicted && at.stalled:
		gap = &channel.Gap{Reason: channel.ReasonSlowConsumer, From: gap.From, To: gap.To}
	}
	epoch := backlog.From.Epoch.String()
	if at.announce {
		p.intro = append(p.intro, &wire.Subscribed{Channel: name, Epoch: epoch, Offset: backlog.From.Offset, Recovered: gap == nil})
	}
	p.doubt = gap != nil
	if gap != nil {
		s.metrics.gaps.WithLabelValues(string(gap.Reason)).Inc()
		p.intro = append(p.intro, &wire.Gap{
			Channel: name, Reason: string(gap.Reason), From: gap.From, To: gap.To, Epoch: epoch, Offset: backlog.From.Offset,
		})
	}
	return p
}

// nextItems takes from the subscription's page what goes into one write, and says up to where it reaches.
func (c *connection) nextItems(sub *subscription) (items []item, next channel.Position) {
	page := sub.page
	size := 0
	for _, push := range page.intro {
		items = append(items, item{shared: wire.Share(push), sub: sub})
	}
	page.intro = nil
	next = page.from
	for len(page.publications) > 0 && size < writeBytes {
		publication := page.publications[0]
		page.publications = page.publications[1:]
		next = channel.Position{Epoch: page.epoch, Offset: publication.Offset}
		if c.isExcluded(publication.Exclude) {
			continue
		}
		message := messageOf(sub.entry.id.Name, page.text, publication)
		message.Rewound = page.rewound
		one := item{shared: wire.Share(message), sub: sub}
		items = append(items, one)
		size += one.size()
	}
	if len(page.publications) == 0 {
		next = page.end
	}
	page.from = next
	return items, next
}

// isExcluded reports whether what excludes a session is not for this connection; empty: it excludes nobody.
func (c *connection) isExcluded(exclude string) bool {
	return exclude != "" && (exclude == c.session.id || c.pusher != nil && c.pusher.was(exclude))
}

// feedPresence tells the whole set where a change did not get through.
func (c *connection) feedPresence(ctx context.Context, sub *subscription) error {
	watching := sub.entry.watching(sub)
	if !watching.stale {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.server.config.CommandTimeout)
	defer cancel()
	before := sub.entry.delivered()
	members, version, err := c.server.backend.Members(ctx, sub.entry.id)
	if err != nil {
		return c.suspend(ctx, sub, err)
	}
	sub.entry.reassured(sub)
	var told *wire.Shared
	if !watching.known || watching.version != version {
		told = wire.Share(&wire.Presence{
			Channel: sub.entry.id.Name, Action: wire.ActionSync, Members: membersOf(members), Version: version,
		})
	}
	if !sub.entry.tellPresence(sub, version, before, told) {
		c.outbox.hungry(sub, time.Time{})
	}
	return nil
}
