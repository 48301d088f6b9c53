package tenant

import (
	"cmp"
	"slices"
	"strings"

	"halley/auth"
	"halley/pushnode/channel"
)

// AppView is what a push node knows of an app: one immutable snapshot, replaced when the app changes.
type AppView struct {
	ID        string
	AccountID string
	Name      string
	Disabled  bool // by its owner, or because its account is suspended
	Suspended bool // its account is suspended
	Origins   []string
	Limits    Limits
	Keys      []auth.Key      // also those revoked of late, which must be told from unknown ones
	Trust     auth.TokenTrust // whose tokens it trusts beside Halley's, and the longest life of a token
	Revision  int64           // rises with each change

	rules  []channel.Rule // longest prefix first
	pusher *pusherView    // nil: Pusher's SDKs may not reach the app

	webhooks []WebhookTarget
}

// Rule returns the rule in force for a channel: the longest prefix wins. Where none fits, everybody with the publishable key may
// subscribe to it, unless its name begins with private- or presence-, and nobody with that key may publish.
func (v *AppView) Rule(name string) channel.Rule {
	for i := range v.rules {
		if strings.HasPrefix(name, v.rules[i].Prefix) {
			return v.bounded(v.rules[i])
		}
	}
	return v.bounded(defaultRule(name))
}

// Rules returns the app's own rules, longest prefix first. The caller must not change them.
func (v *AppView) Rules() []channel.Rule { return v.rules }

func defaultRule(name string) channel.Rule {
	return channel.Rule{
		Public:    !strings.HasPrefix(name, "private-") && !strings.HasPrefix(name, "presence-"),
		Policy:    channel.PolicyResume,
		Retention: channel.DefaultRetention,
	}
}

// bounded keeps a rule within limits that were lowered after it was made.
func (v *AppView) bounded(rule channel.Rule) channel.Rule {
	rule.Retention.Messages = min(rule.Retention.Messages, v.Limits.HistoryMessages)
	rule.Retention.Bytes = min(rule.Retention.Bytes, v.Limits.HistoryBytes)
	return rule
}

// byPrefix sorts rules so that the first that fits is the one that wins.
func byPrefix(rules []channel.Rule) {
	slices.SortFunc(rules, func(a, b channel.Rule) int {
		return cmp.Or(cmp.Compare(len(b.Prefix), len(a.Prefix)), strings.Compare(a.Prefix, b.Prefix))
	})
}
