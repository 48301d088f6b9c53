package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"halley/auth"
	"halley/tenant"
)

// What the quick start begins with.
const (
	firstChannel = "hello"
	firstEvent   = "greeting"
	firstData    = "{\n  \"text\": \"Hello, world\"\n}"
)

// recentMessages is how many messages the pane shows.
const recentMessages = 100

// liveTokenLife is how long the pane's token works; the page fetches the next one by itself while the session lasts.
const liveTokenLife = 10 * time.Minute

// overviewData is what the quick start shows.
type overviewData struct {
	Secret      string // this once
	Publishable string
	Channel     string
	Event       string
	Text        string // the data as it was typed
	Sent        string // the id of what was just published
	Messages    []shownMessage
	Snippets    []Snippet
}

// shownMessage is a message in the pane.
type shownMessage struct {
	ID, Event, Data string
	Offset          uint64
	Time            time.Time
}

func (s *Server) overviewPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	secret, err := s.revealed(r, v)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	data := overviewData{
		Secret: secret, Channel: query.Get("channel"), Event: firstEvent, Text: firstData, Sent: query.Get("sent"),
	}
	if !validChannel(data.Channel) {
		data.Channel = firstChannel
	}
	return s.renderOverview(w, r, http.StatusOK, v, &form{}, data)
}

func (s *Server) renderOverview(
	w http.ResponseWriter, r *http.Request, status int, v *visit, posted *form, data overviewData,
) error {
	shown := data.Channel
	if !validChannel(shown) {
		shown = firstChannel
	}
	publishable, err := s.publishableKey(r, v)
	if err != nil {
		return err
	}
	data.Publishable = publishable
	data.Messages = s.recent(r, v, shown)
	data.Snippets, err = s.snippets.Fill(snippetInput{
		BaseURL: s.public.String(), Channel: shown, SecretKey: data.Secret, Publishable: publishable,
	})
	if err != nil {
		return err
	}
	content := v.page(v.app.Name)
	content.Nav, content.Live, content.Form, content.Data = "overview", true, posted, data
	s.render(w, r, status, "overview", content)
	return nil
}

// recent is what the pane shows before a script takes over. When history cannot be read the page is still of use.
func (s *Server) recent(r *http.Request, v *visit, channel string) []shownMessage {
	if v.may(tenant.Debug) != nil {
		return nil
	}
	messages, err := s.config.History.Recent(r.Context(), v.app.ID, channel, recentMessages)
	if err != nil {
		s.config.Logger.WarnContext(r.Context(), "history not read for the console", "app", v.app.ID, "err", err)
		return nil
	}
	shown := make([]shownMessage, 0, len(messages))
	for _, m := range messages {
		shown = append(shown, shownMessage{ID: m.ID, Event: m.Event, Data: indented(m.Data), Offset: m.Offset, Time: m.Time})
	}
	return shown
}

// indented is JSON as people read it, or the bytes as they are.
func indented(data []byte) string {
	var text bytes.Buffer
	if err := json.Indent(&text, data, "", "  "); err != nil {
		return strings.ToValidUTF8(string(data), "\uFFFD")
	}
	return text.String()
}

// publishableKey is one that works, the newest: it is no secret and may be shown always.
func (s *Server) publishableKey(r *http.Request, v *visit) (string, error) {
	keys, err := s.config.Store.Keys(r.Context(), v.app.scope, v.app.ID)
	if err != nil {
		return "", err
	}
	now := time.Now()
	for _, key := range keys {
		if key.Kind == auth.KindPublishable && key.Alive(now) {
			return key.Text, nil
		}
	}
	return "", nil
}

// publish sends one message to the app's channel. A form goes back to the page, a script gets what it asked for as JSON.
func (s *Server) publish(w http.ResponseWriter, r *http.Request, v *visit) error {
	posted, err := readForm(w, r)
	if err != nil {
		return err
	}
	if err := v.may(tenant.Debug); err != nil {
		return err
	}
	data := overviewData{Channel: posted.Trimmed("channel"), Event: posted.Trimmed("event"), Text: posted.Value("data")}
	checkPublication(posted, data)
	var receipt Receipt
	if posted.OK() {
		receipt, err = s.config.Publisher.Publish(r.Context(), v.app.ID, data.Channel, data.Event, []byte(data.Text))
	}
	var explained Explained
	if errors.As(err, &explained) {
		status, sentence, _ := explained.Explain()
		if wantsJSON(r) || status >= http.StatusInternalServerError {
			return err
		}
		posted.Fault("channel", "%s", sentence)
	} else if err != nil {
		return err
	}
	switch {
	case !posted.OK() && wantsJSON(r):
		fault := map[string]any{"message": posted.Faults()[0].Message}
		s.writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"error": fault})
		return nil
	case !posted.OK():
		return s.renderOverview(w, r, http.StatusUnprocessableEntity, v, posted, data)
	case wantsJSON(r):
		s.writeJSON(w, http.StatusCreated, map[string]any{
			"id": receipt.ID, "channel": data.Channel, "offset": receipt.Offset, "copies": receipt.Copies,
		})
		return nil
	}
	return s.redirect(w, r, "/apps/"+v.app.ID+"?"+url.Values{"channel": {data.Channel}, "sent": {receipt.ID}}.Encode())
}

// checkPublication finds what can be said before the node is asked.
func checkPublication(posted *form, data overviewData) {
	if !validChannel(data.Channel) {
		posted.Fault("channel", "A channel's name has 1 to 200 of A-Z a-z 0-9 _ - = @ , . ; : /")
	}
	if utf8.RuneCountInString(data.Event) > 100 {
		posted.Fault("event", "An event's name has at most 100 characters.")
	}
	if fault := jsonFault(data.Text); fault != "" {
		posted.Fault("data", "%s", fault)
	}
}

// liveToken gives the page a token to listen with: for any channel of the app, for a few minutes.
func (s *Server) liveToken(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := v.may(tenant.Debug); err != nil {
		return err
	}
	rights := map[string][]string{"*": {"subscribe", "history"}}
	token, expires, err := s.config.Tokens.SignToken(r.Context(), v.app.ID, rights, liveTokenLife)
	if err != nil {
		return err
	}
	s.writeJSON(w, http.StatusOK, map[string]any{"token": token, "expires": expires.UnixMilli()})
	return nil
}
