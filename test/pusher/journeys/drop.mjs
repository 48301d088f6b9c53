// A connection is cut: the client comes back by itself, to all its channels, and others see its user go and come.
export default async function ({ ask, connected, joined, name, owner, same, until }) {
  const [news, room] = [name("news"), name("presence-room")]
  const pusher = await connected({ node: 0, member: { user_id: "ann" } })
  const [channel, mine] = [await joined(pusher, news), await joined(pusher, room)]
  const watcher = await joined(await connected({ node: 1, member: { user_id: "ben" } }), room)
  const changes = []
  for (const event of ["pusher:member_added", "pusher:member_removed"]) watcher.bind(event, ({ id }) => changes.push([event, id]))
  let welcomes = 0
  for (const one of [channel, mine]) one.bind("pusher:subscription_succeeded", () => welcomes++)

  const before = pusher.connection.socket_id
  await owner.trigger(news, "count", 1)
  await until(() => channel.events.length === 1, "an event")
  await ask("cut")
  await until(() => pusher.connection.state === "connected" && pusher.connection.socket_id !== before, "another connection")
  await until(() => welcomes === 2, "all channels")
  await owner.trigger([news, room], "count", 2)
  await until(() => channel.events.length === 2 && mine.events.length === 1 && watcher.events.length === 1, "events of all channels")
  same(channel.events, [["count", 1], ["count", 2]], "events")
  same([mine.members.count, watcher.members.count], [2, 2], "members")
  same(changes, [["pusher:member_removed", "ann"], ["pusher:member_added", "ann"]], "who went and came")
}
