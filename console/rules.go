package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"halley/pushnode/channel"
	"halley/tenant"
)

// ruleView is a rule as the table shows it.
type ruleView struct {
	Prefix  string
	Allows  string
	History string
	Policy  string
}

func viewRule(rule channel.Rule) ruleView {
	var allows []string
	for _, right := range []struct {
		given bool
		name  string
	}{{rule.Public, "subscribe and read history"}, {rule.ClientPublish, "publish"}, {rule.Presence, "presence"}} {
		if right.given {
			allows = append(allows, right.name)
		}
	}
	if len(allows) == 0 {
		allows = []string{"nothing"}
	}
	history := "None"
	if rule.Retention.Messages > 0 {
		history = fmt.Sprintf("%d for %s", rule.Retention.Messages, shortDuration(rule.Retention.Age))
	}
	return ruleView{
		Prefix: rule.Prefix, Allows: sentenceCase(strings.Join(allows, ", ")), History: history,
		Policy: policyTitle(rule.Policy),
	}
}

// shortDuration writes 2m0s as 2m.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func policies() []choice {
	return []choice{
		{string(channel.PolicyResume), "Resume: feed it from history"},
		{string(channel.PolicyBlock), "Block: publishers get 429"},
		{string(channel.PolicyLatest), "Latest: keep only the newest"},
		{string(channel.PolicyLossy), "Lossy: drop the oldest, and say so"},
	}
}

func policyTitle(policy channel.Policy) string {
	for _, choice := range policies() {
		if choice.Value == string(policy) {
			title, _, _ := strings.Cut(choice.Title, ":")
			return title
		}
	}
	return string(policy)
}

func (s *Server) rulesPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.renderRules(w, r, http.StatusOK, v, &form{})
}

func (s *Server) renderRules(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form) error {
	rules, err := s.config.Store.Rules(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	views := make([]ruleView, 0, len(rules))
	for _, rule := range rules {
		views = append(views, viewRule(rule))
	}
	content := v.page("Channel rules")
	content.Nav, content.Notice, content.Form = "rules", noticeOf(r), posted
	content.Data = map[string]any{"Rules": views, "Policies": policies()}
	s.render(w, r, status, "rules", content)
	return nil
}

func (s *Server) setRule(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	rule := ruleForm(posted)
	if posted.OK() {
		err = s.config.Store.SetRule(r.Context(), v.app.scope, v.app.ID, rule)
		if !posted.refuseAs(err, map[string]string{"history": "messages", "ttl": "age"}) && err != nil {
			return err
		}
	}
	if !posted.OK() {
		return s.renderRules(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/rules?done=rule")
}

func ruleForm(posted *form) channel.Rule {
	rule := tenant.DefaultRule(posted.Trimmed("prefix"))
	rule.Public = posted.Value("public") != ""
	rule.ClientPublish = posted.Value("publish") != ""
	rule.Presence = posted.Value("presence") != ""
	rule.Policy = channel.Policy(posted.Value("policy"))
	rule.Retention.Bytes = 0 // as many as the app may have
	var err error
	if rule.Retention.Messages, err = strconv.Atoi(posted.Trimmed("messages")); err != nil {
		posted.Fault("messages", "Write a whole number, as 100.")
	}
	if rule.Retention.Age, err = time.ParseDuration(posted.Trimmed("age")); err != nil {
		posted.Fault("age", "Write a time with its unit, as 90s, 2m or 24h.")
	}
	return rule
}

func (s *Server) removeRule(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	if err := s.config.Store.DeleteRule(r.Context(), v.app.scope, v.app.ID, posted.Value("prefix")); err != nil {
		return err
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/rules?done=rule-removed")
}
