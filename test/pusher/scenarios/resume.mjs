// With halley-pusher.js a client that was away gets what it missed, once, and nothing of a channel that it left.
export default async function ({ connected, joined, name, owner, Pusher, same, settings, until }) {
  const { host, port } = settings.nodes[0]
  const script = await fetch(`http://${host}:${port}/halley-pusher.js`)
  new Function(await script.text())()
  globalThis.halleyPusher(Pusher) // a second time in a page: it changes nothing

  const [news, room, left] = [name("news"), name("presence-room"), name("left")]
  const pusher = await connected({ member: { user_id: "ann" } })
  const channels = [await joined(pusher, news), await joined(pusher, room)]
  const gone = await joined(pusher, left)
  await owner.trigger([news, room, left], "count", 1)
  await until(() => [...channels, gone].every(({ events }) => events.length === 1), "events")

  const before = pusher.connection.socket_id
  pusher.unsubscribe(left)
  pusher.disconnect()
  for (let count = 2; count <= 10; count++) await owner.trigger([news, room, left], "count", count)
  await owner.trigger([news, room], "count", "its own", { socket_id: before })
  pusher.connect()
  const again = await joined(pusher, left)
  await until(() => channels.every(({ subscribed }) => subscribed) && pusher.connection.socket_id !== before, "another connection")
  await owner.trigger([news, room, left], "count", 11)
  await until(() => [...channels, again].every(({ events }) => events.at(-1)?.[1] === 11), "the last event")
  const all = Array.from({ length: 11 }, (_, i) => ["count", i + 1])
  for (const { events, name } of channels) same(events, all, name)
  same(again.events, [["count", 11]], "a channel that was left")
}
