package host

import (
	"slices"
	"strings"

	"halley/pushnode/channel"
)

// answerQuery answers from our own copy, which leads, and adds what only the leader's host knows: who follows.
func (s *seat) answerQuery(query channel.Query) channel.Answer {
	answer := s.copy.State().Answer(query)
	switch query := query.(type) {
	case channel.InfoQuery:
		info := answer.(channel.InfoAnswer)
		info.Info.Subscribers = s.subscribers(query.Channel)
		info.Queued = s.queued(query.Channel)
		return info
	case channel.ChannelsQuery:
		return s.withFollowed(query, answer.(channel.ChannelList))
	}
	return answer
}

// subscribers is how many follow a channel, here and at the nodes that have told.
func (s *seat) subscribers(id channel.ID) int {
	count := s.interest.channels[id]
	for edge, counts := range s.followers.counts {
		if edge != s.host.config.Self {
			count += counts[id]
		}
	}
	return count
}

// withFollowed adds to a list of channels those that hold nothing, but that somebody follows.
func (s *seat) withFollowed(query channel.ChannelsQuery, list channel.ChannelList) channel.ChannelList {
	listed := make(map[string]bool, len(list))
	for i := range list {
		listed[list[i].Name] = true
		list[i].Subscribers = s.subscribers(channel.ID{App: query.App, Name: list[i].Name})
	}
	add := func(id channel.ID) {
		if id.App != query.App || id.Name <= query.After || !strings.HasPrefix(id.Name, query.Prefix) || listed[id.Name] {
			return
		}
		listed[id.Name] = true
		info, _ := s.copy.State().Info(id)
		info.Subscribers = s.subscribers(id)
		list = append(list, info)
	}
	for id := range s.interest.channels {
		add(id)
	}
	for _, counts := range s.followers.counts {
		for id := range counts {
			add(id)
		}
	}
	slices.SortFunc(list, func(a, b channel.Info) int { return strings.Compare(a.Name, b.Name) })
	return list[:min(len(list), max(query.Limit, 1))]
}
