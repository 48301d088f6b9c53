// Makes pusher-js resume: a channel goes on behind the last event that it got, on whichever node the next connection is. Loaded behind
// pusher-js, or called with its class where that is no global.

// Of pusher-js 7 and 8, what is used here.
interface Pusher {
  connection: { socket_id: string; connection: { transport: Transport } | null }
  channel(name: string): unknown
  send_event(event: string, data: Subscribe, channel?: string): boolean
  unsubscribe(name: string): void
  halley?: Memory
}

interface Transport {
  name: string
  emit(event: string, message?: { data?: unknown }): unknown
}

interface Subscribe {
  channel: string
  halley?: { since?: string; earlier: string }
}

interface PusherClass {
  prototype: Pusher
  Runtime: { createWebSocket(url: string): WebSocket; halley?: boolean }
}

// Memory is what one client knows of its connections.
interface Memory {
  positions: Map<string, string> // of the last event, by channel
  ids: string[] // of its sockets, the present one last
  transport?: Transport
}

const mostEarlier = 8 // socket ids, as many as the server reads

function resume({ prototype, Runtime }: PusherClass) {
  if (Runtime.halley) return
  Runtime.halley = true
  const { createWebSocket } = Runtime
  const { send_event, unsubscribe } = prototype

  Runtime.createWebSocket = function (url) {
    return createWebSocket.call(this, url + "&halley=1")
  }

  prototype.send_event = function (event, data, channel) {
    const transport = this.connection.connection?.transport // none where it was lost while the page's server signed
    if (event === "pusher:subscribe" && transport) data = { ...data, halley: place(this, transport, data.channel) }
    return send_event.call(this, event, data, channel)
  }

  prototype.unsubscribe = function (name) {
    this.halley?.positions.delete(name)
    unsubscribe.call(this, name)
  }
}

// place is where a channel goes on. Over a fallback nobody is told positions: those that are known would grow old.
function place(pusher: Pusher, transport: Transport, channel: string): Subscribe["halley"] {
  if (transport.name !== "ws") {
    pusher.halley?.positions.clear()
    return
  }
  const { positions, ids } = listen(pusher, transport)
  return { since: positions.get(channel), earlier: ids.slice(0, -1).join() }
}

// listen notes where events stand before pusher-js hands them on, so that one that a page has begun with never comes again.
function listen(pusher: Pusher, transport: Transport): Memory {
  const memory: Memory = (pusher.halley ??= { positions: new Map(), ids: [] })
  if (memory.transport === transport) return memory
  memory.transport = transport
  memory.ids = [...memory.ids, pusher.connection.socket_id].slice(-mostEarlier - 1)
  const { emit } = transport
  transport.emit = function (event, message) {
    if (event === "message" && memory.transport === transport) note(pusher, memory, message?.data)
    return emit.call(this, event, message)
  }
  return memory
}

function note(pusher: Pusher, { positions }: Memory, text: unknown) {
  if (typeof text !== "string" || !text.includes('"halley":{')) return
  try {
    const { channel, halley } = JSON.parse(text)
    if (halley?.at && pusher.channel(channel)) positions.set(channel, halley.at)
  } catch {
    // pusher-js says so
  }
}

const scope = globalThis as { Pusher?: PusherClass; halleyPusher?: typeof resume }
scope.halleyPusher = resume
if (scope.Pusher) resume(scope.Pusher)
