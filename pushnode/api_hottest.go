package pushnode

import (
	"net/http"

	"halley/auth"
)

// defaultHottest is how many are told where the caller says nothing.
const defaultHottest = 20

// getHottest is GET /v1/usage/hottest: the app's own channels in which most happened of late.
func (n *Node) getHottest(w http.ResponseWriter, r *http.Request, grant *auth.Grant) error {
	if err := wholeApp(grant); err != nil {
		return err
	}
	return n.answerHottest(w, r, grant.AppID)
}

// ServeHottest answers an operator's question for the hottest channels and apps of all. It asks for no credential: whoever reaches it sees
// every app.
func (n *Node) ServeHottest(w http.ResponseWriter, r *http.Request) {
	if err := n.answerHottest(w, r, ""); err != nil {
		n.refuse(w, r, err)
	}
}

// answerHottest answers for one app, or with no app for all.
func (n *Node) answerHottest(w http.ResponseWriter, r *http.Request, app string) error {
	values, err := knownQuery(r, "by", "limit")
	if err != nil {
		return err
	}
	by, err := parseHotFigure(values.Get("by"))
	if err != nil {
		return err
	}
	limit, err := number(values, "limit", defaultHottest, 1, maxHottest)
	if err != nil {
		return err
	}
	found, err := n.Hottest(r.Context(), app, by, limit)
	if err != nil {
		return err
	}
	return answerJSON(w, found)
}
