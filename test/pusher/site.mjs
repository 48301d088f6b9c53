// The site of an app's owner: node site.mjs, with the settings as JSON in $PUSHER_SETTINGS. It serves the page that plays scenarios,
// calls the owner's library for it, and writes its address to standard output. It ends with standard input.

import { readFile } from "node:fs/promises"
import { createServer } from "node:http"
import { extname } from "node:path"
import { newOwner } from "./owner.mjs"

const settings = JSON.parse(process.env.PUSHER_SETTINGS)
const owner = newOwner(settings)
const kinds = { ".html": "text/html; charset=utf-8", ".mjs": "text/javascript", ".js": "text/javascript" }

async function call(request) {
  let body = ""
  for await (const part of request.setEncoding("utf8")) body += part
  const { method, given } = JSON.parse(body)
  return owner[method](...given).then((result) => ({ result }), ({ status, body, message }) => ({ refused: { status, body: body ?? message } }))
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://site")
  if (pathname === "/owner") return response.end(JSON.stringify(await call(request)))
  if (pathname === "/settings") return response.end(JSON.stringify(settings))
  const text = await readFile("." + pathname).catch(() => null) // URL has no dots that lead upwards
  if (text === null) return response.writeHead(404).end()
  response.writeHead(200, { "Content-Type": kinds[extname(pathname)] ?? "application/octet-stream" }).end(text)
}

const server = createServer(answer).listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`))
process.stdin.resume().on("end", () => process.exit(0))
