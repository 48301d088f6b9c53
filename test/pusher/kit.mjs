// What scenarios are written with, in Node.js and in pages alike: clients of pusher-js on the nodes, and the server of their owner.

const patience = 30_000 // ms: nodes run under the race detector, on a machine that does other things beside

// newKit returns the kit of one scenario. Pusher is pusher-js, Echo laravel-echo; owner calls pusher-http-node; ask has the test do
// something to the nodes.
export function newKit({ Pusher, Echo, settings, owner, ask }) {
  const { nodes, app } = settings
  const clients = []

  // options are what pusher-js needs to be pointed at a node: each client at another one, unless it is said which.
  const options = ({ node = clients.length % nodes.length, member, user, ...more } = {}) => ({
    cluster: "halley",
    wsHost: nodes[node].host,
    wsPort: nodes[node].port,
    httpHost: nodes[node].host,
    httpPort: nodes[node].port,
    forceTLS: false,
    enabledTransports: settings.transports ?? ["ws", "wss"],
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) =>
        owner.authorizeChannel(socketId, channelName, member).then((auth) => done(null, auth), (error) => done(error, null)),
    },
    userAuthentication: {
      customHandler: ({ socketId }, done) =>
        owner.authenticateUser(socketId, user).then((auth) => done(null, auth), (error) => done(error, null)),
    },
    ...more,
  })

  // client makes a client on a node. member is who it is on presence channels, user as whom it signs in.
  function client(given, key = app.key) {
    const pusher = new Pusher(key, options(given))
    pusher.faults = []
    pusher.connection.bind("error", (fault) => pusher.faults.push((fault.error ?? fault).data ?? fault))
    clients.push(pusher)
    return pusher
  }

  async function connected(given) {
    const pusher = client(given)
    await until(() => pusher.connection.state === "connected", "a connection")
    return pusher
  }

  // joined subscribes and waits until that has succeeded. The channel remembers its events, those of the protocol aside.
  async function joined(pusher, name) {
    const channel = pusher.subscribe(name)
    channel.events ??= recorded(channel)
    await until(() => channel.subscribed, "a subscription to " + name)
    return channel
  }

  const echo = (given) => {
    const made = new Echo({ key: app.key, Pusher, ...options(given), ...given })
    clients.push(made.connector.pusher)
    return made
  }

  const close = () => clients.forEach((pusher) => pusher.disconnect())

  // name is one that no other scenario uses.
  const name = (prefix) => prefix + "-" + Math.random().toString(36).slice(2)

  return { Echo, Pusher, app, ask, client, close, connected, echo, joined, name, owner, settings, until, same, refusal, recorded }
}

// recorded keeps what a channel is told: event and data, those of the protocol aside.
function recorded(channel) {
  const events = []
  channel.bind_global((event, data) => {
    if (!event.startsWith("pusher:")) events.push([event, data])
  })
  return events
}

// until waits for a condition, which may be a promise, and returns what it gives.
async function until(condition, what, time = patience) {
  for (const end = Date.now() + time; ; ) {
    const found = await condition()
    if (found) return found
    if (Date.now() > end) throw new Error("waited in vain for " + what)
    await new Promise((done) => setTimeout(done, 10))
  }
}

function same(got, want, what) {
  ;[got, want] = [JSON.stringify(got), JSON.stringify(want)]
  if (got !== want) throw new Error(`${what}: got ${got}, want ${want}`)
}

// refusal is how a call of the owner was refused: its status and text.
async function refusal(call) {
  const value = await call.catch((error) => ({ refused: { status: error.status, text: error.body ?? error.message } }))
  if (!value?.refused) throw new Error("accepted: " + JSON.stringify(value))
  return value.refused
}
