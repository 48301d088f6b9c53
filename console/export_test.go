package console

import "net/url"

// RouteInfo is a row of the table of routes, for tests that walk it.
type RouteInfo struct {
	Pattern string
	Public  bool // forAnybody
	App     bool // forApp
	Fresh   bool
}

// Routes is the table of routes.
func Routes() []RouteInfo {
	var list []RouteInfo
	for _, r := range routes() {
		list = append(list, RouteInfo{
			Pattern: r.pattern, Public: r.access == forAnybody, App: r.access == forApp, Fresh: r.fresh,
		})
	}
	return list
}

// What tests of small parts need.
var (
	FailureStatus = func(err error) (status int, title, text string) {
		f := failureOf(err)
		return f.status, f.title, f.text
	}
	JSONFault    = jsonFault
	LocalPath    = localPath
	RelativeTime = relativeTime
	BrowserName  = browserName
	AccountKey   = accountKey
	Network      = network
	DelayAfter   = delayAfter
	ShellQuote   = shellQuote
	PHPQuote     = phpQuote
)

// MaxThrottled is the bound of the throttle's maps.
const MaxThrottled = maxThrottled

// Throttle is the guard against guessing.
type Throttle = throttle

// NewThrottle makes one.
func NewThrottle() *Throttle { return newThrottle() }

// SnippetInput is what snippets are made from.
type SnippetInput = snippetInput

// FillSnippets writes all programs.
func FillSnippets(input SnippetInput) ([]Snippet, error) { return newSnippetTemplates().Fill(input) }

// NewPostbox makes the queue of mails.
var NewPostbox = newPostbox

// Draft is a mail that is about to be sent.
type Draft = draft

// MailBuckets hold the mails to each address.
type MailBuckets = mailBuckets

// FillPusherSnippets writes the configurations of Pusher's SDKs.
func FillPusherSnippets(public, number, key, secret string) ([]Snippet, error) {
	address, err := url.Parse(public)
	if err != nil {
		return nil, err
	}
	return newPusherSnippets().Fill(newPusherInput(address, number, key, secret))
}
