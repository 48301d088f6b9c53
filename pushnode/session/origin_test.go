package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"halley/pushnode/session"
)

func TestCheckOrigin(t *testing.T) {
	allowed := []string{"https://app.example.com", "https://*.example.org", "http://localhost:3000", "HTTPS://Upper.Example"}
	tests := map[string]struct {
		origins []string
		allowed []string
		want    bool
	}{
		"none is sent":               {nil, allowed, true},
		"no list":                    {[]string{"https://anything.example"}, nil, true},
		"null without a list":        {[]string{"null"}, nil, true},
		"exact":                      {[]string{"https://app.example.com"}, allowed, true},
		"case":                       {[]string{"https://APP.example.com"}, allowed, true},
		"case of the list":           {[]string{"https://upper.example"}, allowed, true},
		"port":                       {[]string{"http://localhost:3000"}, allowed, true},
		"other port":                 {[]string{"http://localhost:3001"}, allowed, false},
		"no port":                    {[]string{"http://localhost"}, allowed, false},
		"other scheme":               {[]string{"http://app.example.com"}, allowed, false},
		"one label":                  {[]string{"https://a.example.org"}, allowed, true},
		"two labels":                 {[]string{"https://a.b.example.org"}, allowed, false},
		"no label":                   {[]string{"https://example.org"}, allowed, false},
		"empty label":                {[]string{"https://.example.org"}, allowed, false},
		"label with a port":          {[]string{"https://a.example.org:8443"}, allowed, false},
		"suffix":                     {[]string{"https://app.example.com.evil.com"}, allowed, false},
		"prefix":                     {[]string{"https://evilapp.example.com"}, allowed, false},
		"user information":           {[]string{"https://app.example.com@evil.com"}, allowed, false},
		"path":                       {[]string{"https://app.example.com/x"}, allowed, false},
		"slash in the label":         {[]string{"https://evil.com/.example.org"}, allowed, false},
		"null":                       {[]string{"null"}, allowed, false},
		"null on the list":           {[]string{"null"}, []string{"null"}, false},
		"empty":                      {[]string{""}, allowed, false},
		"star is no origin":          {[]string{"https://*.example.org"}, []string{"https://a.example.org"}, false},
		"two headers":                {[]string{"https://app.example.com", "https://app.example.com"}, allowed, false},
		"two headers without a list": {[]string{"https://a.example", "https://b.example"}, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for _, origin := range test.origins {
				r.Header.Add("Origin", origin)
			}
			if err := session.CheckOrigin(r, test.allowed); (err == nil) != test.want {
				t.Errorf("got %v, want allowed %v", err, test.want)
			}
		})
	}
}

// The console's own pages are let in, whatever list an app has; nobody else is by that.
func TestConsoleIsOnEveryList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(c *sessionConfig, n *node) {
			c.Origin = "https://push.example.com"
			n.app.Origins = []string{"https://shop.example.com"}
		})
		for origin, want := range map[string]bool{
			"https://shop.example.com": true, "https://push.example.com": true,
			"http://push.example.com": false, "https://push.example.com.evil.com": false, "null": false,
		} {
			s, err := h.tryConnect("key=hl_pk_a", http.Header{"Origin": {origin}})
			if (err == nil) != want {
				t.Errorf("%s: %v, want let in %v", origin, err, want)
			}
			if err == nil {
				s.hangUp()
			}
		}
	})
}

func TestCredentialOf(t *testing.T) {
	tests := map[string]struct {
		target, header, origin string
		want                   string
		refused                bool
	}{
		"none":               {"/", "", "", "", false},
		"key":                {"/?key=hl_pk_a", "", "", "hl_pk_a", false},
		"token":              {"/?token=ey", "", "", "ey", false},
		"bearer":             {"/", "Bearer hl_sk_a", "", "hl_sk_a", false},
		"bearer, any case":   {"/", "bEARER hl_sk_a", "", "hl_sk_a", false},
		"basic":              {"/", "Basic aGxfc2tfYTo=", "", "hl_sk_a", false},
		"basic and password": {"/", "Basic aGxfc2tfYTpi", "", "", true},
		"secret in query":    {"/?token=hl_sk_a", "", "", "", true},
		"secret of a page":   {"/", "Bearer hl_sk_a", "https://a.example", "", true},
		"public of a page":   {"/", "Bearer hl_pk_a", "https://a.example", "hl_pk_a", false},
		"key twice":          {"/?key=a&key=b", "", "", "", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, test.target, nil)
			for header, value := range map[string]string{"Authorization": test.header, "Origin": test.origin} {
				if value != "" {
					r.Header.Set(header, value)
				}
			}
			got, err := session.CredentialOf(r)
			if (err != nil) != test.refused || err == nil && got != test.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestNetworkOf(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234":         "192.0.2.7/32",
		"192.0.2.7":              "192.0.2.7/32",
		"[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64",
		"[::ffff:192.0.2.7]:80":  "192.0.2.7/32",
		"[fe80::1%eth0]:80":      "fe80::/64",
		"nonsense":               "invalid Prefix",
	} {
		if got := session.NetworkOf(remote).String(); got != want {
			t.Errorf("%s: got %s, want %s", remote, got, want)
		}
	}
}

func FuzzOriginMatches(f *testing.F) {
	f.Add("https://*.example.com", "https://a.example.com")
	f.Add("https://a.example", "https://a.example")
	f.Add("*", "null")
	f.Fuzz(func(t *testing.T, pattern, origin string) {
		if !session.OriginMatches(pattern, origin) || pattern == origin {
			return
		}
		// What matches a pattern without being it differs from it by one label at the star.
		scheme, host, _ := strings.Cut(pattern, "://*.")
		label := strings.TrimSuffix(strings.TrimPrefix(origin, scheme+"://"), "."+host)
		if origin != scheme+"://"+label+"."+host || strings.ContainsAny(label, "./:@") || label == "" {
			t.Errorf("%q matches %q", origin, pattern)
		}
	})
}

func FuzzParseResume(f *testing.F) {
	f.Add(session.NewResume())
	f.Add("ses_.")
	f.Add("ses_0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		id, secret, ok := session.ParseResume(text)
		if ok && id+"."+secret != text {
			t.Errorf("%q was read as %q and %q", text, id, secret)
		}
		if ok && (len(secret) != 43 || !strings.HasPrefix(id, "ses_")) {
			t.Errorf("%q was taken", text)
		}
	})
}

func TestNewResumeIsReadAgain(t *testing.T) {
	one, two := session.NewResume(), session.NewResume()
	if _, _, ok := session.ParseResume(one); !ok || one == two {
		t.Errorf("made %q and %q", one, two)
	}
}
