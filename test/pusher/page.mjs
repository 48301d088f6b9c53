// Lets a page play scenarios. The owner's library is the server's: its calls go there.

import { newKit } from "./kit.mjs"

async function post(path, value) {
  const answer = await fetch(path, { method: "POST", body: JSON.stringify(value) })
  const { result, refused } = await answer.json()
  if (refused) throw Object.assign(new Error(refused.body), refused)
  return result
}

const owner = new Proxy({}, { get: (_, method) => (...given) => post("/owner", { method, given }) })
const settings = await (await fetch("/settings")).json()

// play plays the scenario of a file to its end, or throws what went wrong.
window.play = async (file) => {
  const kit = newKit({ Pusher: window.Pusher, Echo: window.Echo.default ?? window.Echo, settings, owner })
  try {
    const { default: scenario } = await import("/" + file)
    await scenario(kit)
  } finally {
    kit.close()
  }
}
