package console

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"halley/auth"
	"halley/pushnode/webhook"
	"halley/tenant"
)

// outcomeByHand is that of a delivery that somebody sent by hand and that was not accepted: nobody tries again.
const outcomeByHand = "by_hand"

// deliveryView is a request to an endpoint as pages show it.
type deliveryView struct {
	tenant.Delivery
	URL    string // of its endpoint, without a query; empty: the endpoint is gone
	Answer string // "200", or why there was none
	Good   bool
	Waits  bool // for its next attempt
	Took   string
}

func viewDelivery(one tenant.Delivery, endpoints []tenant.Webhook) deliveryView {
	view := deliveryView{
		Delivery: one, Answer: one.Fault, Good: one.Outcome == string(webhook.Accepted), Waits: one.Outcome == string(webhook.Retrying),
		Took: one.Duration.Round(time.Millisecond).String(),
	}
	if one.Status != 0 {
		view.Answer = strconv.Itoa(one.Status)
		if text := http.StatusText(one.Status); text != "" {
			view.Answer += " " + text
		}
	}
	for _, endpoint := range endpoints {
		if endpoint.ID == one.Endpoint {
			view.URL, _, _ = strings.Cut(endpoint.URL, "?")
		}
	}
	return view
}

// deliveries reads the page of the log that the query asks for, and says where the next one is.
func (s *Server) deliveries(r *http.Request, v *visit, endpoints []tenant.Webhook) (views []deliveryView, older string, err error) {
	var before time.Time
	if text := r.URL.Query().Get("before"); text != "" {
		if number, err := strconv.ParseInt(text, 10, 64); err == nil && number > 0 {
			before = time.UnixMilli(number)
		}
	}
	list, err := s.config.Store.Deliveries(r.Context(), v.app.scope, v.app.ID, before)
	for _, one := range list {
		views = append(views, viewDelivery(one, endpoints))
	}
	if len(list) == tenant.DeliveryPage {
		older = "?before=" + strconv.FormatInt(list[len(list)-1].ToldAt.UnixMilli(), 10)
	}
	return views, older, err
}

// deliveryData is what the screen of one delivery shows.
type deliveryData struct {
	deliveryView
	CanResend bool
}

func (s *Server) deliveryPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return s.renderDelivery(w, r, http.StatusOK, v, &form{})
}

func (s *Server) renderDelivery(w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form) error {
	found, err := s.config.Store.Delivery(r.Context(), v.app.scope, v.app.ID, r.PathValue("delivery"))
	if err != nil {
		return err
	}
	endpoints, err := s.config.Store.Webhooks(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return err
	}
	view := viewDelivery(found, endpoints)
	content := v.page("Delivery")
	content.Nav, content.Notice, content.Form = "webhooks", noticeOf(r), posted
	content.Data = deliveryData{view, view.URL != "" && view.Body != "" && v.may(tenant.Manage) == nil}
	s.render(w, r, status, "delivery", content)
	return nil
}

// testWebhook sends an event that did not happen, once.
func (s *Server) testWebhook(w http.ResponseWriter, r *http.Request, v *visit) error {
	if _, err := s.manageForm(w, r, v); err != nil {
		return err
	}
	endpoint, err := s.webhook(r, v, r.PathValue("webhook"))
	if err != nil {
		return err
	}
	kind := webhook.Occupied
	if len(endpoint.Events) > 0 {
		kind = webhook.Kind(endpoint.Events[0])
	}
	now := time.Now()
	body := webhook.Body(webhook.Event{
		Kind: kind, Channel: cmp.Or(endpoint.Prefix+endpoint.Suffix, "halley-test"), Time: now.UnixMilli(), UserID: "halley-test",
		Name: "client-halley-test", Data: "{}", SocketID: "1.1",
	})
	sent := tenant.Delivery{ID: auth.NewID("whd_"), Endpoint: endpoint.ID, Events: 1, Body: string(body), BegunAt: now}
	posted := &form{}
	if err := s.sendByHand(r, v, sent, "webhook.test"); err != nil && !posted.Refuse(err) {
		return err
	}
	if !posted.OK() {
		filled := storedWebhook(endpoint)
		filled.faults = posted.faults
		return s.renderWebhook(w, r, http.StatusUnprocessableEntity, v, filled)
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/deliveries/"+sent.ID)
}

// resendDelivery sends once more what was sent, under the same name, so that who has it already can tell.
func (s *Server) resendDelivery(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := s.manageForm(w, r, v)
	if err != nil {
		return err
	}
	sent, err := s.config.Store.Delivery(r.Context(), v.app.scope, v.app.ID, r.PathValue("delivery"))
	if err != nil {
		return err
	}
	if _, err := s.webhook(r, v, sent.Endpoint); err != nil || sent.Body == "" {
		posted.Fault("", "Its endpoint is gone, or what was sent was too long to be kept.")
	} else if err := s.sendByHand(r, v, sent, "webhook.resend"); err != nil && !posted.Refuse(err) {
		return err
	}
	if !posted.OK() {
		return s.renderDelivery(w, r, http.StatusUnprocessableEntity, v, posted)
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"/deliveries/"+sent.ID)
}

// sendByHand makes one attempt and writes it down.
func (s *Server) sendByHand(r *http.Request, v *visit, sent tenant.Delivery, action string) error {
	target, signer, err := s.config.Store.UseWebhook(r.Context(), v.app.scope, v.app.ID, sent.Endpoint, action)
	if err != nil {
		return err
	}
	endpoint := &webhook.Endpoint{ID: target.ID, App: v.app.ID, URL: target.URL}
	for _, header := range target.Headers {
		endpoint.Headers = append(endpoint.Headers, webhook.Header(header))
	}
	attempt := s.config.Webhooks.Send(r.Context(), webhook.Post{
		Endpoint: endpoint, Signer: webhook.Signer{Key: signer.Key, Secret: signer.Secret}, ID: sent.ID, Body: []byte(sent.Body),
	})
	sent.Outcome, sent.NextAt = outcomeByHand, time.Time{}
	if attempt.OK() {
		sent.Outcome = string(webhook.Accepted)
	}
	sent.Attempts++
	sent.Status, sent.Fault, sent.Duration, sent.ToldAt = attempt.Status, attempt.Fault, attempt.Duration, time.Now()
	return s.config.Store.LogDelivery(r.Context(), v.app.scope, v.app.ID, sent)
}
