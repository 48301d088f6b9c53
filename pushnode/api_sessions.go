package pushnode

import (
	"net/http"

	"halley/auth"
	"halley/pushnode/wire"
)

// deleteSessions is DELETE /v1/sessions: disconnect a client, or one session.
func (n *Node) deleteSessions(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	if err := wholeApp(grant); err != nil {
		return err
	}
	values, err := knownQuery(r, "client_id", "session")
	if err != nil {
		return err
	}
	clientID, session := values.Get("client_id"), values.Get("session")
	if fault := wire.ValidDisconnect(clientID, session); fault != nil {
		return fault
	}
	ended, err := n.disconnect(r.Context(), grant.AppID, clientID, session)
	if err != nil {
		return err
	}
	return answerJSON(w, struct {
		Disconnected int `json:"disconnected"`
	}{ended})
}
