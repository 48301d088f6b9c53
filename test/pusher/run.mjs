// Runs one scenario in Node.js: node run.mjs FILE, with the settings as JSON in $PUSHER_SETTINGS. Asks of the test by a line of JSON
// on standard output, and goes on when a line comes back. Exits with 0 where all was as it should be, else says why.

import { createInterface } from "node:readline"
import Echo from "laravel-echo"
import Pusher from "pusher-js"
import { newKit } from "./kit.mjs"
import { newOwner } from "./owner.mjs"

process.on("unhandledRejection", fail)
process.on("uncaughtException", fail)

const settings = JSON.parse(process.env.PUSHER_SETTINGS)
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const ask = async (...question) => {
  console.log(JSON.stringify(question))
  return JSON.parse((await answers.next()).value)
}
const kit = newKit({ Pusher, Echo, settings, owner: newOwner(settings), ask })
const { default: scenario } = await import(`./${process.argv[2]}`)
await scenario(kit)
kit.close()
process.exit(0)

function fail(error) {
  console.error(error)
  process.exit(1)
}
