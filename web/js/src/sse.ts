import { CommandQueue } from "./commands"
import type { Fault, Push } from "./protocol"
import { address, authorization, faultOf, type Listener, type Opening, type Transport } from "./transport"

/**
 * Server-sent events, read with fetch: unlike EventSource it shows why it was refused, and carries the credential in a header.
 */
export function openEvents(opening: Opening, listener: Listener): Transport {
  const abort = new AbortController()
  let fault: Fault | undefined
  const over = (reason = fault) => {
    if (abort.signal.aborted) return
    abort.abort()
    listener.closed(reason)
  }
  const commands = new CommandQueue(opening, listener, abort.signal, over)
  const received = (push: Push) => {
    if (abort.signal.aborted) return
    if (push.op === "connected") commands.connected(push)
    if (push.op === "error") fault = push.error
    listener.received(push)
  }

  fetch(address("/v1/sse", opening, opening.resume, {}), {
    headers: { Accept: "text/event-stream", ...authorization(opening) },
    signal: abort.signal,
    cache: "no-store",
  })
    .then(async (response) => {
      if (!response.ok || !response.body) fault = await faultOf(response)
      else await readEvents(response.body, received)
    })
    .catch(() => {})
    .then(() => over())
  return { send: (command) => commands.send(command), close: () => abort.abort() }
}

/** Reads a stream of events: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
async function readEvents(body: ReadableStream<Uint8Array>, received: (push: Push) => void): Promise<void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    text += decoder.decode(value, { stream: true })
    const events = text.split("\n\n")
    text = events.pop()!
    for (const event of events) {
      const push = parseEvent(event)
      if (push) received(push)
    }
  }
}

function parseEvent(event: string): Push | undefined {
  let op = "message"
  let data = ""
  for (const line of event.split("\n")) {
    if (line.startsWith("event:")) op = line.slice(6).trim()
    if (line.startsWith("data:")) data += line.slice(5)
  }
  return data ? { ...JSON.parse(data), op } : undefined
}
