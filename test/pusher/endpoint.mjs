// The server of an app's owner as far as it takes webhooks.

import { createServer } from "node:http"

// openEndpoint listens for webhooks, and keeps the events of requests that accepts says yes to; of a request that is repeated under its
// name, once. A request that the owner's library does not take ends the scenario.
export async function openEndpoint(owner, accepts = () => true) {
  const [told, names] = [[], new Set()]
  const server = createServer(async (request, response) => {
    const parts = []
    for await (const part of request) parts.push(part)
    const rawBody = Buffer.concat(parts).toString()
    const { valid, events, time } = await owner.webhook({ headers: request.headers, rawBody })
    if (!valid || Math.abs(Date.now() - time) > 300_000) throw new Error("a request that the library does not take: " + rawBody)
    if (!accepts(events)) return response.writeHead(500).end()
    const name = request.headers["halley-delivery"]
    if (!names.has(name)) told.push(...events)
    names.add(name)
    response.writeHead(200).end()
  })
  await new Promise((done) => server.listen(0, "127.0.0.1", done))
  const close = () => (server.closeAllConnections(), server.close())
  return { url: `http://127.0.0.1:${server.address().port}/hooks`, told, close }
}
