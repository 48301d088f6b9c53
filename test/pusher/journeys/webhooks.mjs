// The owner is told what happens in channels: signed, once each, and again where it was not accepted.
import { openEndpoint } from "../endpoint.mjs"

export default async function ({ ask, connected, joined, name, owner, same, until }) {
  let refusals = 0
  const accepts = (events) => !events.some(({ name, channel }) => name === "channel_occupied" && channel.startsWith("refused")) || refusals++ > 0
  const { url, told, close } = await openEndpoint(owner, accepts)
  await ask("endpoint", url)

  const of = (channel) => told.filter((event) => event.channel === channel && event.name !== "subscription_count").map(({ channel, ...event }) => event)
  const hear = (channel, count) => until(() => of(channel).length >= count, `what happened on ${channel}: ${JSON.stringify(told)}`)
  const ann = await connected({ member: { user_id: 7 } })

  // A node learns of the endpoint within two seconds.
  await until(async () => {
    const probe = name("probe")
    await joined(ann, probe)
    ann.unsubscribe(probe)
    return told.length > 0
  }, "the first event")

  const [plain, room, cache, desk, refused] = [name("plain"), name("presence-room"), name("cache-price"), name("private-desk"), name("refused")]
  for (const channel of [plain, room, cache, desk, refused]) await joined(ann, channel)
  const again = await connected({ member: { user_id: 7 } })
  const ben = await connected({ member: { user_id: "ben" } })
  for (const pusher of [again, ben]) await joined(pusher, room)
  await joined(ben, desk)
  ann.channel(desk).trigger("client-typing", { on: true })
  ann.channel(room).trigger("client-wave", "hello")
  const socket_id = ann.connection.socket_id
  await hear(room, 4)
  await hear(desk, 2)
  await hear(cache, 2)
  await hear(refused, 1)
  same(refusals, 2, "requests for what was refused once")

  for (const pusher of [again, ben]) pusher.disconnect()
  for (const channel of [plain, room]) ann.unsubscribe(channel)
  await hear(plain, 2)
  await hear(room, 7)
  const byName = (events) => events.map((event) => JSON.stringify(event)).sort()
  const all = (channel, want) => same(byName(of(channel)), byName(want), "what happened on " + channel)
  all(plain, [{ name: "channel_occupied" }, { name: "channel_vacated" }])
  all(cache, [{ name: "channel_occupied" }, { name: "cache_miss" }])
  all(desk, [{ name: "channel_occupied" }, { name: "client_event", event: "client-typing", data: '{"on":true}', socket_id }])
  all(room, [
    { name: "channel_occupied" }, { name: "member_added", user_id: "7" }, { name: "member_added", user_id: "ben" },
    { name: "client_event", event: "client-wave", data: "hello", socket_id, user_id: "7" },
    { name: "member_removed", user_id: "ben" }, { name: "member_removed", user_id: "7" }, { name: "channel_vacated" },
  ])
  close()
}
