package pushnode

import (
	"context"
	"slices"
	"strings"
	"time"

	"halley/pushnode/channel"
	"halley/pushnode/pusher"
)

// pusherChannels is GET /apps/{number}/channels: the channels that somebody is subscribed to.
func (n *Node) pusherChannels(ctx context.Context, call pusherCall) ([]byte, error) {
	query := call.request.Query
	info, err := pusher.ParseInfo(query.Get("info"), pusher.UserCount|pusher.SubscriptionCount)
	if err != nil {
		return nil, err
	}
	prefix := query.Get("filter_by_prefix")
	if info.Has(pusher.UserCount) && !pusher.KindOf(prefix).Is(pusher.Presence) {
		return nil, pusher.NoUserCounts()
	}
	found, err := n.occupiedChannels(ctx, call.app.ID, prefix)
	if err != nil {
		return nil, err
	}
	return pusher.AppendChannels(nil, found, info), nil
}

// occupiedChannels collects from all slots the channels of an app that are occupied, by name. Those of users are not among them.
func (n *Node) occupiedChannels(ctx context.Context, app, prefix string) ([]pusher.Channel, error) {
	query := channel.ChannelsQuery{App: app, Prefix: prefix, After: beforeNames, Limit: maxChannels}
	answers, err := n.slots.queryAll(ctx, query)
	if err != nil {
		return nil, n.wireError("list channels", err)
	}
	var found []pusher.Channel
	for slot, answer := range answers {
		page := answer.(channel.ChannelList)
		found = appendOccupied(found, page)
		for len(page) == maxChannels { // the slot has more
			query.After = page[len(page)-1].Name
			answer, err := n.slots.query(ctx, slot, query)
			if err != nil {
				return nil, n.wireError("list channels", err)
			}
			page = answer.(channel.ChannelList)
			found = appendOccupied(found, page)
		}
	}
	slices.SortFunc(found, func(a, b pusher.Channel) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

func appendOccupied(found []pusher.Channel, list channel.ChannelList) []pusher.Channel {
	for _, info := range list {
		if told := pusherChannel(info); told.Occupied {
			found = append(found, told)
		}
	}
	return found
}

// pusherChannel is what Pusher's servers are told of a channel. A member whose connection dropped a moment ago still occupies it.
func pusherChannel(info channel.Info) pusher.Channel {
	return pusher.Channel{
		Name: info.Name, Occupied: info.Subscribers > 0 || info.Users > 0, Users: info.Users, Subscriptions: info.Subscribers,
	}
}

// pusherChannel is GET /apps/{number}/channels/{channel}.
func (n *Node) pusherChannel(ctx context.Context, call pusherCall) ([]byte, error) {
	name := call.target.Name
	if !pusher.ValidChannel(name) {
		return nil, pusher.BadChannel(name)
	}
	info, err := pusher.ParseInfo(call.request.Query.Get("info"), pusher.UserCount|pusher.SubscriptionCount|pusher.CacheInfo)
	if err != nil {
		return nil, err
	}
	if info.Has(pusher.UserCount) && !pusher.KindOf(name).Is(pusher.Presence) {
		return nil, pusher.NoUserCount()
	}
	told, err := n.pusherInfo(ctx, channel.ID{App: call.app.ID, Name: name}, info)
	if err != nil {
		return nil, err
	}
	return told.AppendChannel(nil, info), nil
}

// pusherInfos is pusherInfo for several channels.
func (n *Node) pusherInfos(ctx context.Context, app string, names []string, info pusher.Info) ([]pusher.Channel, error) {
	told, errs := make([]pusher.Channel, len(names)), make([]error, len(names))
	eachAtOnce(len(names), func(i int) {
		told[i], errs[i] = n.pusherInfo(ctx, channel.ID{App: app, Name: names[i]}, info)
	})
	return told, firstError(errs)
}

// pusherInfo reads what is asked of a channel.
func (n *Node) pusherInfo(ctx context.Context, id channel.ID, info pusher.Info) (pusher.Channel, error) {
	known, err := n.info(ctx, id)
	if err != nil {
		return pusher.Channel{}, err
	}
	told := pusherChannel(known.Info)
	if info.Has(pusher.CacheInfo) {
		told.Cached, err = n.pusherCached(ctx, id)
	}
	return told, err
}

// pusherCached is the last event of a cache channel, nil where there is none.
func (n *Node) pusherCached(ctx context.Context, id channel.ID) (*pusher.Cached, error) {
	last, err := n.lastCached(ctx, id)
	if err != nil || last == nil {
		return nil, err
	}
	left := n.Rule(id).Retention.Age - time.Since(time.UnixMilli(last.Time))
	return &pusher.Cached{Data: last.Data, TTL: int(max(left, 0) / time.Second)}, nil
}

// pusherUsers is GET /apps/{number}/channels/{channel}/users: who is present, each once.
func (n *Node) pusherUsers(ctx context.Context, call pusherCall) ([]byte, error) {
	name := call.target.Name
	if !pusher.ValidChannel(name) {
		return nil, pusher.BadChannel(name)
	}
	if !pusher.KindOf(name).Is(pusher.Presence) {
		return nil, pusher.NoUsers()
	}
	members, _, err := n.Members(ctx, channel.ID{App: call.app.ID, Name: name})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, member := range members { // ordered by client id
		if len(ids) == 0 || ids[len(ids)-1] != member.ClientID {
			ids = append(ids, member.ClientID)
		}
	}
	return pusher.AppendUsers(nil, ids), nil
}

// pusherTerminate is POST /apps/{number}/users/{user}/terminate_connections: it ends the connections that signed in as the user.
func (n *Node) pusherTerminate(ctx context.Context, call pusherCall) ([]byte, error) {
	if !pusher.ValidUserID(call.target.Name) {
		return nil, pusher.BadUser(call.target.Name)
	}
	if _, err := n.disconnect(ctx, call.app.ID, call.target.Name, ""); err != nil {
		return nil, err
	}
	return []byte(nothingToTell), nil
}
