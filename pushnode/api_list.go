package pushnode

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"halley/auth"
	"halley/pushnode/channel"
)

// Pages of channels: how many where the caller says nothing, and at most.
const (
	defaultChannels = 100
	maxChannels     = 1000
)

// beforeNames sorts before all names of channels but those that Halley itself makes: they begin with "#".
const beforeNames = "$"

// getChannels is GET /v1/channels: the channels in use, which are those that hold something or that somebody follows, by name,
// a page at a time. The cursor is the last name of the page before.
func (n *Node) getChannels(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	if err := wholeApp(grant); err != nil {
		return err
	}
	values, err := knownQuery(r, "prefix", "limit", "cursor")
	if err != nil {
		return err
	}
	limit, err := number(values, "limit", defaultChannels, 1, maxChannels)
	if err != nil {
		return err
	}
	prefix, err := text(values, "prefix", channel.MaxNameBytes)
	if err != nil {
		return err
	}
	after, err := text(values, "cursor", channel.MaxNameBytes)
	if err != nil {
		return err
	}
	found, err := n.channelsInUse(r.Context(), grant.AppID, prefix, max(after, beforeNames), limit+1)
	if err != nil {
		return err
	}
	page := struct {
		Channels []channelAnswer `json:"channels"`
		Cursor   string          `json:"cursor,omitzero"`
	}{Channels: make([]channelAnswer, 0, min(limit, len(found)))}
	for _, info := range found[:min(limit, len(found))] {
		page.Channels = append(page.Channels, n.channelAnswer(channel.ID{App: grant.AppID, Name: info.Name}, info))
	}
	if len(found) > limit {
		page.Cursor = page.Channels[limit-1].Channel
	}
	return answerJSON(w, page)
}

// channelsInUse collects from all slots at most limit channels after the name given.
func (n *Node) channelsInUse(ctx context.Context, app, prefix, after string, limit int) ([]channel.Info, error) {
	answers, err := n.slots.queryAll(ctx, channel.ChannelsQuery{App: app, Prefix: prefix, After: after, Limit: limit})
	if err != nil {
		return nil, n.wireError("list channels", err)
	}
	var found []channel.Info
	for _, answer := range answers {
		found = append(found, answer.(channel.ChannelList)...)
	}
	slices.SortFunc(found, func(a, b channel.Info) int { return strings.Compare(a.Name, b.Name) })
	return found[:min(limit, len(found))], nil
}
