// Members are users, not connections: each enters with their first connection and leaves with their last.
export default async function ({ connected, joined, name, owner, same, until }) {
  const room = name("presence-room")
  const ann = { user_id: "ann", user_info: { name: "Ann", roles: ["admin"] } }
  const plain = { user_id: 7 }
  const one = await connected({ member: ann })
  const first = await joined(one, room)
  same([first.members.count, first.members.myID, first.members.me], [1, "ann", { id: "ann", info: ann.user_info }], "alone")

  const [added, removed] = [[], []]
  first.bind("pusher:member_added", (member) => added.push(member))
  first.bind("pusher:member_removed", (member) => removed.push(member))
  const two = await connected({ member: plain })
  const second = await joined(two, room)
  same([second.members.count, Object.keys(second.members.members).sort()], [2, ["7", "ann"]], "the second one's members")
  same(second.members.get("ann"), { id: "ann", info: ann.user_info }, "a member with info")
  same(second.members.get("7")?.info ?? null, null, "a member without info")
  await until(() => added.length > 0, "who came")
  same([added.length, String(added[0].id), first.members.count], [1, "7", 2], "who came")

  const again = await connected({ member: ann })
  const third = await joined(again, room)
  same(third.members.count, 2, "members with another connection of one of them")
  const { body } = await owner.get(`/channels/${room}/users`)
  same(body.users.map(({ id }) => id).sort(), ["7", "ann"], "users by the API")
  const counts = async () => (await owner.get(`/channels/${room}`, { info: "user_count,subscription_count" })).body
  await until(async () => (await counts()).subscription_count === 3, "the subscriptions of all nodes")
  same(await counts(), { occupied: true, user_count: 2, subscription_count: 3 }, "counts by the API")

  const watcher = []
  third.bind("pusher:member_removed", (member) => watcher.push(String(member.id)))
  one.unsubscribe(room)
  two.disconnect()
  await until(() => watcher.length > 0, "who left")
  same([watcher, third.members.count], [["7"], 1], "who left")
  same([added.length, removed.length], [1, 0], "changes told to the one who left first")
}
