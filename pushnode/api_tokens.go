package pushnode

import (
	"net/http"
	"time"

	"halley/auth"
	"halley/pushnode/wire"
)

// postToken is POST /v1/tokens: a JWT that narrows the secret key it was asked with.
func (n *Node) postToken(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	if err := secretOnly(grant); err != nil {
		return err
	}
	if _, err := knownQuery(r); err != nil {
		return err
	}
	app, err := n.app(grant.AppID)
	if err != nil {
		return err
	}
	data, err := body(w, r, maxTokenRequest)
	if err != nil {
		return err
	}
	request, fault := wire.DecodeTokenRequest(data)
	if fault != nil {
		return fault
	}
	capability, err := auth.ParseCapability(request.Capabilities)
	if err != nil {
		return wire.Errorf(wire.CodeInvalidField, "capabilities: %v", err)
	}
	if err := atMost(grant, capability); err != nil {
		return err
	}
	token, expires, err := n.signer.Sign(auth.TokenRequest{
		AppID: grant.AppID, KeyID: grant.KeyID, ClientID: request.ClientID, Capability: capability,
		TTL: request.TTL, MaxTTL: app.Trust.MaxTTL,
	}, time.Now())
	if err != nil {
		return n.wireError("sign token", err)
	}
	return answerJSON(w, struct {
		Token   string `json:"token"`
		Expires int64  `json:"expires"` // Unix ms
	}{token, expires.UnixMilli()})
}

// maxTokenRequest bounds a token request: its capabilities go into a token of at most 8 KiB.
const maxTokenRequest = 8 << 10

// atMost refuses a capability that is wider than the grant's own: such a token would promise what it cannot keep.
func atMost(grant *auth.Grant, wanted auth.Capability) error {
	if op, pattern := grant.Lacks(wanted); op != 0 {
		return wire.Errorf(wire.CodeDenied, "no token of this key may %s: the key itself may not", deed(op, pattern))
	}
	return nil
}
