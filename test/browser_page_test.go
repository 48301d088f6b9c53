package test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// servePage serves the page, of whatever origin, that loads the client and what tests need beside it.
func servePage(mux *http.ServeMux) {
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		server := r.FormValue("server")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", fmt.Sprintf(
			"default-src 'none'; script-src 'self' %s; connect-src http://127.0.0.1:* ws://127.0.0.1:*", server))
		scripts := fmt.Sprintf(`<script src="%s/halley.js"></script><script src="/page.js"></script>`, server)
		if r.FormValue("module") == "true" {
			module := "/module.js?server=" + url.QueryEscape(server)
			scripts = fmt.Sprintf(`<script src="/page.js"></script><script type="module" src="%s"></script>`, module)
		}
		fmt.Fprintf(w, "<!doctype html><title>Test</title>%s", scripts)
	})
	mux.HandleFunc("/module.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprintf(w, "import { Halley } from %q\nwindow.Halley = Halley\n", r.FormValue("server")+"/halley.mjs")
	})
	mux.HandleFunc("/page.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, strings.Replace(pageScript, "PATIENCE", fmt.Sprint(browserPatience.Milliseconds()), 1))
	})
}

// pageScript is what tests need in a page. client makes a client and writes down all that it tells, until waits for something.
// The clock of clients can be set on, as a sleeping machine finds it when it wakes, or be hastened, where they wait for long.
const pageScript = `
const clients = {}

const clock = (() => {
  const [now, later, every] = [Date.now.bind(Date), setTimeout.bind(window), setInterval.bind(window)]
  let [speed, since, base] = [1, now(), now()]
  Date.now = () => Math.round(base + (now() - since) * speed)
  window.setTimeout = (what, ms = 0, ...rest) => later(what, ms / speed, ...rest)
  const set = (ms, faster) => ([base, since, speed] = [Date.now() + ms, now(), faster])
  return { later, every, skip: (ms) => void set(ms, speed), hasten: (faster) => void set(0, faster) }
})()

function client(name, options) {
  const halley = new Halley(options)
  const log = { messages: [], gaps: [], channelGaps: [], states: [], errors: [], presence: [], dropped: 0 }
  halley.on("state", (change) => log.states.push({ at: performance.now(), date: Date.now(), ...change }))
  halley.on("gap", (gap) => log.gaps.push(gap))
  halley.on("error", (error) => log.errors.push({ code: error.code, name: error.name, channel: error.channel }))
  const follow = (channel, options) => {
    halley.channel(channel, options).subscribe((message) => log.messages.push(message))
    halley.channel(channel).on("gap", (gap) => log.channelGaps.push(gap))
    halley.channel(channel).on("dropped", ({ count }) => (log.dropped += count))
    return new Promise((done) => halley.channel(channel).on("subscribed", done))
  }
  const watch = (channel) => halley.channel(channel).presence.subscribe((change) => log.presence.push(change))
  const connected = () => until(() => halley.state === "connected", name + " connected")
  const lives = () => log.states.filter(({ state }) => state === "connected").length
  return (clients[name] = { halley, log, follow, watch, connected, lives })
}

async function until(condition, what, patience = PATIENCE) {
  const end = performance.now() + patience
  for (;;) {
    const found = condition()
    if (found) return found
    if (performance.now() > end) throw new Error("waited in vain for " + what + ": " + tell())
    await new Promise((done) => clock.later(done, 20))
  }
}

function tell() {
  const brief = (key, value) => {
    if (key === "halley") return value.state + " " + value.transport
    return key === "messages" ? value.length + " messages: " + value.map(({ offset, data }) => offset + "=" + data).join().slice(-500) : value
  }
  return JSON.stringify(clients, brief)
}

function same(got, want, what) {
  [got, want] = [JSON.stringify(got), JSON.stringify(want)]
  if (got !== want) throw new Error(what + ": got " + got + ", want " + want + ": " + tell())
}

// steady publishes 0, 1, 2 … on a channel, one after another, until it is stopped. It tells how many that were.
function steady({ halley }, channel) {
  let [count, going] = [0, true]
  const publish = async () => {
    for (; going; count++) {
      await halley.channel(channel).publish("count", count)
      await new Promise((done) => clock.later(done, 40))
    }
  }
  const published = publish()
  return async () => {
    going = false
    await published
    return count
  }
}

// whole makes sure that a client gets what steady published: each message once, in order, and no gap.
async function whole({ log }, channel, count) {
  const counted = () => log.messages.filter((message) => message.channel === channel).map((message) => message.data)
  await until(() => counted().length >= count, count + " messages on " + channel)
  same(counted().join(), [...Array(count).keys()].join(), "messages on " + channel)
  same(log.gaps.concat(log.channelGaps, log.errors), [], "gaps and errors")
}

async function refusal(promise) {
  return promise.then((value) => { throw new Error("accepted: " + JSON.stringify(value)) }, (error) => error)
}
`
