package tenant

import (
	"context"
	"strings"
	"time"

	"halley/pushnode/channel"
)

// Bounds of rules.
const (
	MaxRules        = 100            // of one app
	MaxRetentionAge = 24 * time.Hour // DESIGN 7.5
)

const (
	ruleColumns = `account_id, app_id, prefix, public, client_publish, presence, policy, messages, bytes, age`

	sqlRules      = `SELECT ` + ruleColumns + ` FROM channel_rules WHERE account_id = $1 AND app_id = $2`
	sqlCountRules = `SELECT COUNT(*) FROM channel_rules WHERE account_id = $1 AND app_id = $2 AND prefix <> $3`
	sqlSetRule    = `INSERT INTO channel_rules (` + ruleColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (account_id, app_id, prefix) DO UPDATE SET public = excluded.public, client_publish = excluded.client_publish,
		presence = excluded.presence, policy = excluded.policy, messages = excluded.messages,
		bytes = excluded.bytes, age = excluded.age`
	sqlDropRule = `DELETE FROM channel_rules WHERE account_id = $1 AND app_id = $2 AND prefix = $3`
)

// DefaultRule is the rule that holds for channels with that prefix where none was made: the start for a new one.
func DefaultRule(prefix string) channel.Rule {
	rule := defaultRule(prefix)
	rule.Prefix = prefix
	return rule
}

// checkRule holds a rule to the app's limits. A rule that says nothing of bytes gets as many as the app may have.
func checkRule(rule channel.Rule, limits Limits) (channel.Rule, error) {
	if rule.Policy == "" {
		rule.Policy = channel.PolicyResume
	}
	if rule.Retention.Bytes == 0 {
		rule.Retention.Bytes = limits.HistoryBytes
	}
	switch {
	case len(rule.Prefix) > channel.MaxNameBytes || strings.Trim(rule.Prefix, nameAlphabet) != "":
		return rule, invalid("prefix", "at most %d of A-Za-z0-9_-=@,.;:/, without a star", channel.MaxNameBytes)
	case !validPolicy(rule.Policy):
		return rule, invalid("policy", "a policy is resume, block, latest or lossy")
	case rule.Retention.Messages < 0 || rule.Retention.Messages > limits.HistoryMessages:
		return rule, invalid("history", "from 0 to %d messages", limits.HistoryMessages)
	case rule.Retention.Bytes < 0 || rule.Retention.Bytes > limits.HistoryBytes:
		return rule, invalid("bytes", "from 1 to %d", limits.HistoryBytes)
	case rule.Retention.Age < time.Second || rule.Retention.Age > MaxRetentionAge:
		return rule, invalid("ttl", "from 1s to %v", MaxRetentionAge)
	}
	return rule, nil
}

// nameAlphabet is what a channel's name is made of: DESIGN 7.5.
const nameAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=@,.;:/"

func validPolicy(policy channel.Policy) bool {
	switch policy {
	case channel.PolicyResume, channel.PolicyBlock, channel.PolicyLatest, channel.PolicyLossy:
		return true
	}
	return false
}

// Rules lists the rules of an app, the longest prefix first: the first that fits a name is the one in force.
func (s *Store) Rules(ctx context.Context, scope Scope, appID string) ([]channel.Rule, error) {
	if _, err := s.App(ctx, scope, appID); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryDeadline)
	defer cancel()
	rules, err := collect(ctx, s.db, func(scan func(...any) error) (channel.Rule, error) {
		_, rule, err := scanRule(scan)
		return rule, err
	}, sqlRules, scope.accountID, appID)
	byPrefix(rules)
	return rules, err
}

// SetRule makes the rule for its prefix, or replaces it.
func (s *Store) SetRule(ctx context.Context, scope Scope, appID string, rule channel.Rule) error {
	return wrap("set a rule", s.change(ctx, scope, Manage, appID, func(c *change) error {
		limits, err := c.limits()
		if err != nil {
			return err
		}
		if rule, err = checkRule(rule, limits); err != nil {
			return err
		}
		others, err := c.count(sqlCountRules, scope.accountID, appID, rule.Prefix)
		if err != nil {
			return err
		}
		if others >= MaxRules {
			return invalid("prefix", "an app has at most %d rules", MaxRules)
		}
		c.did("rule.set", appID, thisApp)
		c.detail["prefix"], c.detail["public"], c.detail["client_publish"] = rule.Prefix, rule.Public, rule.ClientPublish
		c.detail["presence"], c.detail["policy"] = rule.Presence, string(rule.Policy)
		c.detail["history"], c.detail["ttl"] = rule.Retention.Messages, rule.Retention.Age.String()
		_, err = c.exec(sqlSetRule, scope.accountID, appID, rule.Prefix, bit(rule.Public), bit(rule.ClientPublish),
			bit(rule.Presence),
			string(rule.Policy), rule.Retention.Messages, rule.Retention.Bytes, rule.Retention.Age.Milliseconds())
		return err
	}))
}

// DeleteRule drops the rule of a prefix.
func (s *Store) DeleteRule(ctx context.Context, scope Scope, appID, prefix string) error {
	return wrap("delete a rule", s.change(ctx, scope, Manage, appID, func(c *change) error {
		c.did("rule.delete", appID, thisApp)
		c.detail["prefix"] = prefix
		return one(c.exec(sqlDropRule, scope.accountID, appID, prefix))
	}))
}

func scanRule(scan func(...any) error) (appID string, rule channel.Rule, err error) {
	var public, clientPublish, presence, age int64
	err = scan(new(string), &appID, &rule.Prefix, &public, &clientPublish, &presence, &rule.Policy, &rule.Retention.Messages,
		&rule.Retention.Bytes, &age)
	rule.Public, rule.ClientPublish, rule.Presence = public != 0, clientPublish != 0, presence != 0
	rule.Retention.Age = time.Duration(age) * time.Millisecond
	return appID, rule, err
}
