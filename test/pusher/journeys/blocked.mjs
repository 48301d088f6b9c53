// WebSockets do not get through: pusher-js finds another way by itself, and goes on.
import { over } from "../fallback_talk.mjs"

export default async function (kit) {
  const { connected, joined, name, owner, same, until } = kit
  const pusher = await connected({ ...over(kit), enabledTransports: ["ws", "wss", "xhr_streaming", "xhr_polling"] })
  same(pusher.connection.connection.transport.name, "xhr_streaming", "the transport")
  const news = await joined(pusher, name("news"))
  await owner.trigger(news.name, "greeting", "hello")
  await until(() => news.events.length > 0, "an event")
  same(news.events, [["greeting", "hello"]], "events")
}
