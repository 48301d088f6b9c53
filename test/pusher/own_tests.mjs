// Runs the tests that pusher-http-node brings for a server of Pusher's: node --test own_tests.mjs, with the app's address, as the library
// reads it, in $PUSHER_URL.

import { createRequire } from "node:module"
import { readdirSync } from "node:fs"
import { beforeEach, describe, it } from "node:test"

// Their runner gives a test its callback first.
Object.assign(globalThis, { describe, beforeEach, it: (name, test) => it(name, (_, done) => test(done)) })
const require = createRequire(import.meta.url)
const folder = "./node_modules/pusher/tests/remote/pusher/"
for (const file of readdirSync(folder)) if (file !== "proxy.js") require(folder + file) // that one needs a proxy
