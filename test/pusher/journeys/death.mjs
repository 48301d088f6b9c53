// A node dies amid messages. What the API had acknowledged arrives, in order and once, at all whose node lives; the others' clients come
// back by themselves, and to nobody did anybody seem to leave.
export default async function ({ ask, connected, joined, name, owner, same, until }) {
  const [news, room] = [name("private-news"), name("presence-room")]
  const people = []
  for (let i = 0; i < 6; i++) {
    const pusher = await connected({ node: i % 3, member: { user_id: "user" + i } })
    const removed = []
    const channels = [await joined(pusher, news), await joined(pusher, room)]
    channels[1].bind("pusher:member_removed", ({ id }) => removed.push(id))
    people.push({ pusher, channels, removed, before: pusher.connection.socket_id })
  }
  const [fell, survived] = [people.filter((_, i) => i % 3 === 0), people.filter((_, i) => i % 3 !== 0)]
  await until(() => people.every(({ channels }) => channels[1].members.count === 6), "everybody in the room")

  const acknowledged = []
  let [next, going, refused] = [0, true, 0]
  const publishing = (async () => {
    for (; going; next++) await owner.trigger([news, room], "count", next, { node: 1 + (next % 2) }).then(() => acknowledged.push(next), () => refused++)
  })()
  const more = async (count, end = acknowledged.length + count) => until(() => acknowledged.length >= end, "more messages")
  await more(20)
  await ask("kill")
  await more(20)
  await until(() => fell.every(({ pusher, before }) => pusher.connection.state === "connected" && pusher.connection.socket_id !== before), "the fallen")
  await until(() => fell.every(({ channels }) => channels.every(({ subscribed }) => subscribed)), "their channels")
  await more(20)
  going = false
  await publishing

  const numbers = (channel) => channel.events.map(([, number]) => number)
  const last = acknowledged.at(-1)
  for (const { channels } of people) for (const channel of channels) await until(() => numbers(channel).includes(last), "the last message")
  const known = new Set(acknowledged)
  for (const { channels } of survived) {
    for (const channel of channels) {
      same(numbers(channel), [...numbers(channel)].sort((a, b) => a - b), "order of " + channel.name)
      same(numbers(channel).filter((number) => known.has(number)), acknowledged, `acknowledged messages on ${channel.name} (${refused} were not)`)
    }
  }
  for (const { channels } of people) same(channels[1].members.count, 6, "members")
  same(survived.map(({ removed }) => removed), survived.map(() => []), "who seemed to leave")
  const { body } = await owner.get(`/channels/${room}/users`, {}, { node: 1 })
  same(body.users.length, 6, "users by the API")
}
