package main

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// A flag wins over the environment, that over the file, that over the default.
func TestConfigPrecedence(t *testing.T) {
	file := write(t, "halley.json", `{"listen":":1001","drain-timeout":"11s","max-connections":11,"smtp-insecure":true,
		"trusted-proxies":["10.0.0.0/8","fd00::/8"],"acme-domain":["a.example","b.example"],"log-level":"warn"}`)
	tests := []struct {
		name        string
		environment map[string]string
		arguments   []string
		listen      string
		drain       time.Duration
		connections int
	}{
		{"defaults", nil, nil, ":8080", 25 * time.Second, 0},
		{"file", nil, []string{"--config", file}, ":1001", 11 * time.Second, 11},
		{"file by environment", map[string]string{"HALLEY_CONFIG": file}, nil, ":1001", 11 * time.Second, 11},
		{"environment", map[string]string{"HALLEY_LISTEN": ":2002"}, nil, ":2002", 25 * time.Second, 0},
		{"environment over file", map[string]string{"HALLEY_LISTEN": ":2002", "HALLEY_MAX_CONNECTIONS": "22"}, []string{"--config", file}, ":2002", 11 * time.Second, 22},
		{"flag over both", map[string]string{"HALLEY_LISTEN": ":2002"}, []string{"--config", file, "--listen", ":3003"}, ":3003", 11 * time.Second, 11},
		{"flag that says the default", nil, []string{"--config", file, "--listen", ":8080"}, ":8080", 11 * time.Second, 11},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.environment {
				t.Setenv(name, value)
			}
			grammar, err := parse(t, append([]string{"serve"}, test.arguments...)...)
			if err != nil {
				t.Fatal(err)
			}
			got := grammar.Serve
			if got.Listen != test.listen || got.DrainTimeout != test.drain || got.MaxConnections != test.connections {
				t.Errorf("listen %s, drain %v, connections %d", got.Listen, got.DrainTimeout, got.MaxConnections)
			}
		})
	}

	grammar, err := parse(t, "serve", "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	got := grammar.Serve
	if len(got.TrustedProxies) != 2 || got.TrustedProxies[1].String() != "fd00::/8" || strings.Join(got.ACMEDomain, " ") != "a.example b.example" ||
		!got.SMTPInsecure || grammar.Log.Level != "warn" {
		t.Errorf("lists, switches or the log are not taken from the file: %+v %+v", got, grammar.Log)
	}
}

func TestConfigFileIsStrict(t *testing.T) {
	tests := []struct{ name, text, reason string }{
		{"no JSON", `listen = ":80"`, "configuration file"},
		{"no object", `[":80"]`, "configuration file"},
		{"a key twice", `{"listen":":1","listen":":2"}`, "duplicate"},
		{"a misspelt key", `{"lisen":":1","listen":":2"}`, "no such setting: lisen"},
		{"a key in another case", `{"Listen":":1"}`, "no such setting: Listen"},
		{"nothing", `{"listen":null}`, "listen: want a string"},
		{"an object", `{"listen":{"a":1}}`, "listen: want a string"},
		{"a list of lists", `{"acme-domain":[["a.example"]]}`, "a list within a list"},
		{"no duration", `{"drain-timeout":"soon"}`, "drain-timeout"},
		{"no number", `{"max-connections":"many"}`, "max-connections"},
		{"more behind", `{"listen":":1"} {}`, "configuration file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := execute("serve", "--config", write(t, "halley.json", test.text))
			if got.code != exitUsage || !strings.Contains(got.stderr, test.reason) {
				t.Errorf("exit code %d: %s", got.code, got.stderr)
			}
		})
	}
}

// One file may serve several commands: it may hold settings that the one at hand does not have.
func TestConfigFileForAllCommands(t *testing.T) {
	file := write(t, "halley.json", `{"listen":":1001","data-dir":"/srv/halley","url":"https://push.example.com"}`)
	grammar, err := parse(t, "migrate", "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	if grammar.Migrate.DataDir != "/srv/halley" {
		t.Errorf("the data folder is %s", grammar.Migrate.DataDir)
	}
}

// Every setting of serve has a variable of its name, so that the three ways stay in step.
func TestEverySettingHasAVariable(t *testing.T) {
	parser, err := newParser(&commands{}, process{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, command := range parser.Model.Leaves(true) {
		if command.Name != "serve" && command.Name != "migrate" {
			continue
		}
		for _, group := range command.AllFlags(true) {
			for _, flag := range group {
				want := "HALLEY_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
				if flag.Name != "help" && (len(flag.Envs) != 1 || flag.Envs[0] != want) {
					t.Errorf("%s --%s: variables %v, want %s", command.Name, flag.Name, flag.Envs, want)
				}
				seen++
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d flags were looked at", seen)
	}
}

// Secrets come by file or environment: a flag would show them to every user of the machine.
func TestNoFlagTakesASecret(t *testing.T) {
	parser, err := newParser(&commands{}, process{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	public := []string{"tls-key", "publishable-key", "pusher-key"} // a file, and what every page shows
	err = kong.Visit(parser.Model.Node, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			for _, word := range []string{"password", "secret", "token", "key"} {
				if strings.Contains(flag.Name, word) && !strings.HasSuffix(flag.Name, "-file") && !slices.Contains(public, flag.Name) {
					t.Errorf("--%s would hold a secret", flag.Name)
				}
			}
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOriginOf(t *testing.T) {
	t.Parallel()
	for public, want := range map[string]string{
		"https://push.example.com": "https://push.example.com", "https://Push.Example.com/": "https://push.example.com",
		"https://push.example.com:443": "https://push.example.com", "http://push.example.com:443": "http://push.example.com:443",
		"http://localhost:80": "http://localhost", "http://[::1]:8080": "http://[::1]:8080",
	} {
		if got := originOf(public); got != want {
			t.Errorf("%s: got %s, want %s", public, got, want)
		}
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	at := func(ip string, port int) *net.TCPAddr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: port} }
	secure := tlsConfig{TLSCert: "a", TLSKey: "b"}
	tests := []struct {
		name   string
		serve  serveCommand
		listen *net.TCPAddr
		want   string
	}{
		{"everywhere", serveCommand{}, at("::", 8080), "http://localhost:8080"},
		{"everywhere over IPv4", serveCommand{}, at("0.0.0.0", 8080), "http://localhost:8080"},
		{"one address", serveCommand{}, at("127.0.0.1", 8080), "http://127.0.0.1:8080"},
		{"one IPv6 address", serveCommand{}, at("::1", 8080), "http://[::1]:8080"},
		{"the usual port", serveCommand{}, at("::", 80), "http://localhost"},
		{"the usual port of an IPv6 address", serveCommand{}, at("2001:db8::1", 80), "http://[2001:db8::1]"},
		{"https", serveCommand{tlsConfig: secure}, at("::", 8443), "https://localhost:8443"},
		{"https on the usual port", serveCommand{tlsConfig: secure}, at("::", 443), "https://localhost"},
		{"a domain", serveCommand{tlsConfig: tlsConfig{ACMEDomain: []string{"push.example.com"}}}, at("::", 443), "https://push.example.com"},
		{"as said", serveCommand{listenConfig: listenConfig{PublicURL: "https://push.example.com"}}, at("::", 8080), "https://push.example.com"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.serve.publicURL(test.listen); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func FuzzConfigFile(f *testing.F) {
	for _, seed := range []string{`{}`, `{"listen":":80"}`, `{"a":[1,true,"x,y"]}`, `{"a":null}`, `{"a":`, `[]`, "{\"a\":\"\xff\"}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		resolver, err := loadConfigFile(strings.NewReader(text))
		if (resolver == nil) != (err != nil) {
			t.Fatalf("%q: %v, %v", text, resolver, err)
		}
	})
}
