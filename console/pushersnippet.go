package console

import (
	"net/url"
	"strconv"
	"strings"
)

// pusherInput is what the configurations of Pusher's SDKs are made from.
type pusherInput struct {
	Host   string
	Port   int
	TLS    bool
	Number string
	Key    string
	Secret string // empty: the program reads PUSHER_APP_SECRET from its environment
}

// newPusherInput takes host and port from the address that browsers use.
func newPusherInput(public *url.URL, number, key, secret string) pusherInput {
	host := public.Hostname()
	if strings.Contains(host, ":") { // IPv6: the SDKs put it into addresses as it is
		host = "[" + host + "]"
	}
	input := pusherInput{Host: host, Port: 80, TLS: public.Scheme == "https", Number: number, Key: key, Secret: secret}
	if input.TLS {
		input.Port = 443
	}
	if port, err := strconv.Atoi(public.Port()); err == nil {
		input.Port = port
	}
	return input
}

// Scheme is the one of the HTTP API.
func (i pusherInput) Scheme() string {
	if i.TLS {
		return "https"
	}
	return "http"
}

// pusher-js 8 throws without a cluster, and takes any.
const pusherJSSnippet = `import Pusher from "pusher-js"

const pusher = new Pusher({{js .Key}}, {
  cluster: "",
  wsHost: {{js .Host}},
  wsPort: {{.Port}},
  wssPort: {{.Port}},
  forceTLS: {{.TLS}},
  enabledTransports: ["ws", "wss"],
})

pusher.subscribe("hello").bind("greeting", data => console.log(data.text))`

const echoSnippet = `import Echo from "laravel-echo"
import Pusher from "pusher-js"

window.Pusher = Pusher
window.Echo = new Echo({
  broadcaster: "pusher",
  key: {{js .Key}},
  cluster: "",
  wsHost: {{js .Host}},
  wsPort: {{.Port}},
  wssPort: {{.Port}},
  forceTLS: {{.TLS}},
  enabledTransports: ["ws", "wss"],
})`

const laravelSnippet = `BROADCAST_CONNECTION=pusher
PUSHER_APP_ID={{.Number}}
PUSHER_APP_KEY={{.Key}}
{{if .Secret}}PUSHER_APP_SECRET={{dotenv .Secret}}{{else}}# The secret is on the page of the key.
PUSHER_APP_SECRET={{end}}
PUSHER_APP_CLUSTER=
PUSHER_HOST={{.Host}}
PUSHER_PORT={{.Port}}
PUSHER_SCHEME={{.Scheme}}`

const pusherNodeSnippet = `const Pusher = require("pusher")

const pusher = new Pusher({
  appId: {{js .Number}},
  key: {{js .Key}},
  secret: {{if .Secret}}{{js .Secret}}{{else}}process.env.PUSHER_APP_SECRET{{end}},
  host: {{js .Host}},
  port: {{.Port}},
  useTLS: {{.TLS}},
})

pusher.trigger("hello", "greeting", { text: "Hello from Node" })`

const pusherPHPSnippet = `<?php
require 'vendor/autoload.php';

$pusher = new Pusher\Pusher(
    {{php .Key}},
    {{if .Secret}}{{php .Secret}}{{else}}getenv('PUSHER_APP_SECRET'){{end}},
    {{php .Number}},
    ['host' => {{php .Host}}, 'port' => {{.Port}}, 'scheme' => {{php .Scheme}}],
);
$pusher->trigger('hello', 'greeting', ['text' => 'Hello from PHP']);`

func newPusherSnippets() *snippetTemplates {
	return parseSnippets(
		snippetSource{"js", "JS", pusherJSSnippet}, snippetSource{"echo", "Echo", echoSnippet},
		snippetSource{"laravel", ".env", laravelSnippet}, snippetSource{"node", "Node", pusherNodeSnippet},
		snippetSource{"php", "PHP", pusherPHPSnippet},
	)
}
