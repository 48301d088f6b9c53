package console

import "net/http"

// noticeOf is what a page says was just done. The redirect names it by a word of this table: an address that somebody was sent
// can put no other text into a page.
func noticeOf(r *http.Request) string {
	switch r.URL.Query().Get("done") {
	case "password":
		return "The password is set. All other sessions have ended."
	case "confirmed":
		return "Your address is confirmed. Log in to begin."
	case "revoked":
		return "The key is revoked. It stops within two seconds."
	case "rolled":
		return "The key is rolled. This is the new one."
	case "renamed":
		return "The name is saved."
	case "origins":
		return "The origins are saved. They hold within two seconds."
	case "rule":
		return "The rule is set. It holds within two seconds."
	case "rule-removed":
		return "The rule is removed."
	case "token-key":
		return "The token key is added."
	case "token-key-removed":
		return "The token key is removed. Its tokens are refused within two seconds."
	case "pusher-on":
		return "Pusher's SDKs can reach the app within two seconds."
	case "pusher-off":
		return "Pusher's SDKs are refused within two seconds. The credentials are kept for when you switch it on again."
	case "pusher-brought":
		return "The credentials hold within two seconds. Change the host of your clients and servers, and nothing else."
	case "pusher-set":
		return "The settings are saved. They hold within two seconds."
	case "pusher-key":
		return "The key is made. It works within two seconds."
	case "webhook":
		return "The endpoint is added. It is told of what happens from now on, within two seconds."
	case "webhook-set":
		return "The endpoint is saved. The changes hold within two seconds."
	case "webhook-on":
		return "The endpoint is told again of what happens, within two seconds."
	case "webhook-off":
		return "The endpoint is paused. What happens meanwhile it is not told."
	case "webhook-removed":
		return "The endpoint is removed."
	case "session":
		return "The session is ended."
	}
	return ""
}
