// The code of the guide "Moving from Pusher, Soketi or Reverb", as it stands there but for the address.
import Server from "pusher"

export default async function ({ Pusher, Echo, settings, same, until }) {
  const { guide } = settings
  const shown = []
  const pusher = new Function("Pusher", "show", guide["pusher-js"] + "\nreturn pusher")(Pusher, (text) => shown.push(text))
  const page = { Pusher }
  new Function("Echo", "window", guide["Laravel Echo"])(class extends Echo {
    constructor(options) {
      super({ ...options, Pusher }) // a page has it as a global
    }
  }, page)
  const listened = []
  page.Echo.channel("news").listen(".greeting", ({ text }) => listened.push(text))
  await until(() => pusher.channel("news").subscribed && page.Echo.connector.pusher.channel("news").subscribed, "both subscriptions")

  const publish = new Function("Pusher", `return (async () => { ${guide.Node} })()`)
  await publish(Server)
  await until(() => shown.length > 0 && listened.length > 0, "the greeting")
  same([shown, listened], [["hello"], ["hello"]], "greetings")
  pusher.disconnect()
  page.Echo.disconnect()
}
