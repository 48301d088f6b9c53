package pushnode

import (
	"context"
	"net/http"

	"halley/auth"
	"halley/pushnode/channel"
	"halley/pushnode/wire"
)

// channelAnswer is one channel in use.
type channelAnswer struct {
	Channel   string          `json:"channel"`
	Epoch     string          `json:"epoch"`
	Offset    uint64          `json:"offset"`
	Occupancy occupancyAnswer `json:"occupancy"`
	History   historyAnswer   `json:"history"`
	Rule      *ruleAnswer     `json:"rule,omitzero"`
}

type occupancyAnswer struct {
	Subscribers int `json:"subscribers"`
	Members     int `json:"members"`
}

type historyAnswer struct {
	Messages int `json:"messages"`
	Bytes    int `json:"bytes"`
}

// ruleAnswer is the rule in force for a channel.
type ruleAnswer struct {
	Prefix          string `json:"prefix"`
	Public          bool   `json:"public"`
	ClientPublish   bool   `json:"client_publish"`
	Presence        bool   `json:"presence"`
	Policy          string `json:"policy"`
	HistoryMessages int    `json:"history_messages"`
	HistoryBytes    int    `json:"history_bytes"`
	HistoryTTL      string `json:"history_ttl"`
}

// getMessages is GET /v1/channels/{channel}/messages: a page of history.
func (n *Node) getMessages(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	name, err := channelName(r)
	if err != nil {
		return err
	}
	query, err := historyQuery(r)
	if err != nil {
		return err
	}
	page, err := n.History(r.Context(), grant, name, query)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, wire.AppendHistory(nil, wire.HistoryOf(name, page)))
	return nil
}

func historyQuery(r *http.Request) (channel.HistoryQuery, error) {
	values, err := knownQuery(r, "limit", "direction", "since")
	if err != nil {
		return channel.HistoryQuery{}, err
	}
	limit, err := number(values, "limit", wire.DefaultHistory, 1, wire.MaxHistory)
	if err != nil {
		return channel.HistoryQuery{}, err
	}
	query := channel.HistoryQuery{Limit: limit}
	switch direction := values.Get("direction"); direction {
	case "", "backward":
	case "forward":
		query.Forward = true
	default:
		return query, wire.Errorf(wire.CodeInvalidField, "direction is %.40q: backward or forward is wanted", direction)
	}
	if since := values.Get("since"); since != "" {
		position, fault := wire.ParsePosition(since)
		if fault != nil {
			return query, fault
		}
		query.Since = &position
	}
	return query, nil
}

// getChannel is GET /v1/channels/{channel}: occupancy, position and the rule in force.
func (n *Node) getChannel(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	name, err := channelName(r)
	if err != nil {
		return err
	}
	if _, err := knownQuery(r); err != nil {
		return err
	}
	if err := somethingOn(grant, name); err != nil {
		return err
	}
	id := channel.ID{App: grant.AppID, Name: name}
	known, err := n.info(r.Context(), id)
	if err != nil {
		return err
	}
	found := n.channelAnswer(id, known.Info)
	found.Rule = ruleOf(n.Rule(id))
	return answerJSON(w, found)
}

// info reads what a channel's slot knows of it.
func (n *Node) info(ctx context.Context, id channel.ID) (channel.InfoAnswer, error) {
	answer, err := n.slots.query(ctx, slotOf(id.App, id.Name), channel.InfoQuery{Channel: id})
	if err != nil {
		return channel.InfoAnswer{}, n.wireError("read channel", err)
	}
	return answer.(channel.InfoAnswer), nil
}

// getPresence is GET /v1/channels/{channel}/presence: the members.
func (n *Node) getPresence(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	name, err := channelName(r)
	if err != nil {
		return err
	}
	if _, err := knownQuery(r); err != nil {
		return err
	}
	if err := n.Allow(grant, auth.OpPresence, name); err != nil {
		return err
	}
	members, version, err := n.Members(r.Context(), channel.ID{App: grant.AppID, Name: name})
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, wire.AppendObject(nil, wire.MembersOf(name, members, version)))
	return nil
}

func (n *Node) channelAnswer(id channel.ID, info channel.Info) channelAnswer {
	return channelAnswer{
		Channel:   id.Name,
		Epoch:     info.Position.Epoch.String(),
		Offset:    info.Position.Offset,
		Occupancy: occupancyAnswer{Subscribers: info.Subscribers, Members: info.Members},
		History:   historyAnswer{Messages: info.Messages, Bytes: info.Bytes},
	}
}

func ruleOf(rule channel.Rule) *ruleAnswer {
	return &ruleAnswer{
		Prefix: rule.Prefix, Public: rule.Public, ClientPublish: rule.ClientPublish, Presence: rule.Presence,
		Policy: string(rule.Policy), HistoryMessages: rule.Retention.Messages,
		HistoryBytes: rule.Retention.Bytes, HistoryTTL: rule.Retention.Age.String(),
	}
}
