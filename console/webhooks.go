package console

import (
	"net/http"
	"strings"

	"halley/auth"
	"halley/tenant"
)

// webhooksData is what the screen of an app's endpoints shows.
type webhooksData struct {
	Endpoints  []tenant.Webhook
	Events     []string // that there are
	Deliveries []deliveryView
	Older      string // where the page after this one is; empty: there is none
	Manages    bool   // the visitor's role lets them change what is here
	Pusher     bool   // there is something to sign with
}

func (s *Server) webhooksPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.renderWebhooks(w, r, http.StatusOK, v, &form{})
}

func (s *Server) renderWebhooks(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form) error {
	endpoints, err := s.config.Store.Webhooks(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	app, err := s.config.Store.Pusher(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	data := webhooksData{Endpoints: endpoints, Events: tenant.WebhookEvents, Manages: v.may(tenant.Manage) == nil, Pusher: app.Enabled}
	if data.Deliveries, data.Older, err = s.deliveries(r, v, endpoints); err != nil {
		return err
	}
	content := v.page("Webhooks")
	content.Nav, content.Notice, content.Form, content.Data = "webhooks", noticeOf(r), posted, data
	s.render(w, r, status, "webhooks", content)
	return nil
}

func (s *Server) addWebhook(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := s.manageForm(w, r, v)
	if err != nil {
		return err
	}
	settings, headers := webhookForm(posted)
	if posted.OK() {
		_, err = s.config.Store.AddWebhook(r.Context(), v.app.scope, v.app.ID, settings, headers)
		if !posted.Refuse(err) && err != nil {
			return err
		}
	}
	if !posted.OK() {
		return s.renderWebhooks(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/webhooks?done=webhook")
}

// webhookForm reads what both forms of an endpoint have. Where the field of the headers is empty, they are nil.
func webhookForm(posted *form) (tenant.WebhookSettings, []tenant.WebhookHeader) {
	settings := tenant.WebhookSettings{
		URL: posted.Trimmed("url"), Events: posted.values["events"], Prefix: posted.Trimmed("prefix"), Suffix: posted.Trimmed("suffix"),
		Batched: posted.Value("batched") != "",
	}
	var headers []tenant.WebhookHeader
	for line := range strings.Lines(posted.Value("headers")) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if !found {
			posted.Fault("headers", "Write each header on a line of its own, as “Authorization: Bearer …”.")
			return settings, nil
		}
		headers = append(headers, tenant.WebhookHeader{Name: strings.TrimSpace(name), Value: auth.NewSecret(strings.TrimSpace(value))})
	}
	return settings, headers
}

// webhookData is what the screen of one endpoint shows.
type webhookData struct {
	Endpoint tenant.Webhook
	Events   []string
	Manages  bool
	Pusher   bool
}

func (s *Server) webhookPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.renderWebhook(w, r, http.StatusOK, v, nil)
}

// renderWebhook shows an endpoint with what was posted in place of what is stored. posted: nil, nothing was.
func (s *Server) renderWebhook(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form) error {
	endpoint, err := s.webhook(r, v, r.PathValue("webhook"))
	if err != nil {
		return err
	}
	app, err := s.config.Store.Pusher(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	if posted == nil {
		posted = storedWebhook(endpoint)
	}
	content := v.page("Webhook")
	content.Nav, content.Notice, content.Form = "webhooks", noticeOf(r), posted
	content.Data = webhookData{
		Endpoint: endpoint, Events: tenant.WebhookEvents, Manages: v.may(tenant.Manage) == nil, Pusher: app.Enabled,
	}
	s.render(w, r, status, "webhook", content)
	return nil
}

// storedWebhook is the form that an endpoint would be made with again, but for its headers.
func storedWebhook(endpoint tenant.Webhook) *form {
	filled := &form{values: map[string][]string{
		"url": {endpoint.URL}, "events": endpoint.Events, "prefix": {endpoint.Prefix}, "suffix": {endpoint.Suffix},
	}}
	if endpoint.Batched {
		filled.values.Set("batched", "on")
	}
	return filled
}

// webhook finds an endpoint of the visit's app. The error is tenant.ErrNotFound where there is none.
func (s *Server) webhook(r *http.Request, v *visit, id string) (tenant.Webhook, error) {
	endpoints, err := s.config.Store.Webhooks(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return tenant.Webhook{}, err
	}
	for _, one := range endpoints {
		if one.ID == id {
			return one, nil
		}
	}
	return tenant.Webhook{}, tenant.ErrNotFound
}

func (s *Server) setWebhook(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := s.manageForm(w, r, v)
	if err != nil {
		return err
	}
	id := r.PathValue("webhook")
	if _, err := s.webhook(r, v, id); err != nil {
		return err
	}
	settings, headers := webhookForm(posted)
	if posted.Value("no_headers") != "" {
		headers = []tenant.WebhookHeader{}
	}
	if posted.OK() {
		err = s.config.Store.SetWebhook(r.Context(), v.app.scope, v.app.ID, id, settings, headers)
		if !posted.Refuse(err) && err != nil {
			return err
		}
	}
	if !posted.OK() {
		return s.renderWebhook(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/webhooks/"+id+"?done=webhook-set")
}

func (s *Server) switchWebhook(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := s.manageForm(w, r, v)
	if err != nil {
		return err
	}
	id, on := r.PathValue("webhook"), posted.Value("state") == "on"
	if err := s.config.Store.SwitchWebhook(r.Context(), v.app.scope, v.app.ID, id, on); err != nil {
		return err
	}
	done := "webhook-off"
	if on {
		done = "webhook-on"
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/webhooks/"+id+"?done="+done)
}

func (s *Server) removeWebhook(w http.ResponseWriter, r *http.Request, v *visit) error {
	if _, err := s.manageForm(w, r, v); err != nil {
		return err
	}
	if err := s.config.Store.DeleteWebhook(r.Context(), v.app.scope, v.app.ID, r.PathValue("webhook")); err != nil {
		return err
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/webhooks?done=webhook-removed")
}
