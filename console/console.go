// Package console is the web console: people sign up, log in, make apps and keys, and watch messages arrive.
//
// It renders pages on the server; every form works without JavaScript, and scripts only add what is live. It holds no state of
// its own besides what slows guessing down: accounts, sessions and one-time secrets are in package tenant. It does not publish,
// sign tokens or keep history itself: the node that runs beside it does, behind the interfaces of console.go.
//
// Start reading at routes.go, the table of all pages, then visit.go for what is checked before a handler runs. DESIGN.md holds
// the rest.
package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"halley/auth"
	"halley/pushnode/webhook"
	"halley/tenant"
	"halley/web"

	"github.com/prometheus/client_golang/prometheus"
)

// Publisher publishes as the app itself, which may do everything. An error that is made for the reader implements Explained.
type Publisher interface {
	Publish(ctx context.Context, appID, channel, event string, data []byte) (Receipt, error)
}

// Receipt is what a kept publication got.
type Receipt struct {
	ID     string
	Offset uint64
	Copies int
}

// History reads the newest messages of a channel, the newest first, for pages without JavaScript.
type History interface {
	Recent(ctx context.Context, appID, channel string, limit int) ([]Message, error)
}

// Message is one publication as History returns it.
type Message struct {
	ID     string
	Event  string
	Data   []byte // JSON
	Offset uint64
	Time   time.Time
}

// TokenSigner signs a token for the live pane. Rights are operations by channel pattern, as POST /v1/tokens takes them.
type TokenSigner interface {
	SignToken(
		ctx context.Context, appID string, rights map[string][]string, ttl time.Duration,
	) (token string, expires time.Time, err error)
}

// Explained is an error with a status and a sentence for people: a refused publication says why. RetryAfter is zero where waiting
// does not help.
type Explained interface {
	error
	Explain() (status int, sentence string, retryAfter time.Duration)
}

// WebhookSender sends one request to an endpoint, now. webhook.Sender implements it.
type WebhookSender interface {
	Send(ctx context.Context, post webhook.Post) webhook.Attempt
}

// SignUpMode says who may make an account.
type SignUpMode string

// The sign-up modes.
const (
	SignUpOpen   SignUpMode = "open"   // everybody
	SignUpClosed SignUpMode = "closed" // nobody; halley admin makes accounts
)

// Config is what a console needs. Store, Publisher, History, Tokens, Webhooks and PublicURL must be set.
type Config struct {
	Store     *tenant.Store
	Publisher Publisher
	History   History
	Tokens    TokenSigner
	Webhooks  WebhookSender
	Mailer    Mailer     // nil: LogMailer
	PublicURL string     // how browsers reach the console; https makes cookies secure and switches HSTS on
	SignUp    SignUpMode // empty: open
	// ConfirmMail makes an account only after a link in a mail was followed. It hides who has an account already, and costs the
	// newcomer a step: for installations that strangers reach and that can send mail.
	ConfirmMail bool
	Dial        auth.DialPolicy                // what address a key set may have; zero: a public one, by https
	Logger      *slog.Logger                   // nil: slog.Default()
	Registerer  prometheus.Registerer          // nil: no metrics
	ClientIP    func(*http.Request) netip.Addr // nil: the peer's; behind a proxy the one that the proxy is trusted to name
}

// Validate says what is missing or wrong.
func (c *Config) Validate() error {
	if c.Store == nil || c.Publisher == nil || c.History == nil || c.Tokens == nil {
		return errors.New("console needs a store, a publisher, a history and a token signer")
	}
	public, err := url.Parse(c.PublicURL)
	if err != nil || public.Host == "" || public.Scheme != "http" && public.Scheme != "https" {
		return fmt.Errorf("public URL %q: an address as https://push.example.com is expected", c.PublicURL)
	}
	if public.Path != "" && public.Path != "/" || public.RawQuery != "" || public.Fragment != "" {
		return fmt.Errorf("public URL %q: scheme, host and port are expected and nothing after them", c.PublicURL)
	}
	switch c.SignUp {
	case SignUpOpen, SignUpClosed:
		return nil
	}
	return fmt.Errorf("sign-up mode %q: there are open and closed", c.SignUp)
}

func (c *Config) setDefaults() {
	if c.SignUp == "" {
		c.SignUp = SignUpOpen
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Mailer == nil {
		c.Mailer = LogMailer{Logger: c.Logger}
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.ClientIP == nil {
		c.ClientIP = peerAddress
	}
}

// Server serves the console's pages. It is safe for concurrent use.
type Server struct {
	// immutable after New
	config    Config
	public    *url.URL
	headers   http.Header
	handler   http.Handler
	assets    *assets
	templates *templates
	snippets  *snippetTemplates
	pushers   *snippetTemplates // configurations of Pusher's SDKs
	throttle  *throttle
	mails     *mailBuckets
	postbox   *postbox
	metrics   *metrics
}

// New makes a console. Close it when its HTTP server has ended.
func New(config Config) (*Server, error) {
	config.setDefaults()
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	public, err := url.Parse(config.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	public.Path = ""
	loaded, err := newAssets(web.ConsoleStatic)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	pages, err := newTemplates(web.ConsoleTemplates, loaded.path)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	s := &Server{
		config:    config,
		public:    public,
		headers:   securityHeaders(public),
		assets:    loaded,
		templates: pages,
		snippets:  newSnippetTemplates(),
		pushers:   newPusherSnippets(),
		throttle:  newThrottle(),
		mails:     &mailBuckets{},
		metrics:   newMetrics(config.Registerer),
	}
	if s.handler, err = s.newHandler(); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	s.postbox = newPostbox(config.Mailer, config.Logger)
	return s, nil
}

// Close stops sending mail and waits for it. Mails that still wait are lost; who asked for one asks again.
func (s *Server) Close() { s.postbox.Close() }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }
