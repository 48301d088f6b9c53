package pushnode

import (
	"net/http"

	"halley/auth"
	"halley/pushnode/wire"
)

// deleteSessions is DELETE /v1/sessions: disconnect a client, or one session.
func (n *Node) deleteSessions(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	if err := secretOnly(grant); err != nil {
		return err
	}
	values, err := knownQuery(r, "client_id", "session")
	if err != nil {
		return err
	}
	clientID, err := text(values, "client_id", auth.MaxClientIDChars)
	if err != nil {
		return err
	}
	session, err := text(values, "session", auth.MaxClientIDChars)
	if err != nil {
		return err
	}
	if (clientID == "") == (session == "") {
		return wire.Errorf(wire.CodeMissingField, "say which: client_id or session")
	}
	ended := n.sessions.Disconnect(r.Context(), grant.AppID, clientID, session, wire.NewError(wire.CodeDisconnected))
	return answerJSON(w, struct {
		Disconnected int `json:"disconnected"`
	}{ended})
}
