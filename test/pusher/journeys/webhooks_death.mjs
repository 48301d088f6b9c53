// A node dies that led channels. What happened is told once all the same, and nothing that did not happen.
import { openEndpoint } from "../endpoint.mjs"

export default async function ({ ask, connected, joined, name, owner, same, until }) {
  const { url, told, close } = await openEndpoint(owner)
  await ask("endpoint", url)
  const [ann, ben] = [await connected({ node: 1, member: { user_id: "ann" } }), await connected({ node: 2, member: { user_id: "ben" } })]
  await until(async () => {
    const probe = name("probe")
    await joined(ann, probe)
    ann.unsubscribe(probe)
    return told.length > 0
  }, "the first event")

  const rooms = Array.from({ length: 12 }, () => name("presence-room"))
  for (const room of rooms) await joined(ann, room)
  await ask("kill")
  for (const room of rooms) await joined(ben, room)
  for (const room of rooms) {
    await until(() => told.some((event) => event.channel === room && event.user_id === "ben"), "that ben came to " + room)
    ann.unsubscribe(room)
    ben.unsubscribe(room)
  }
  const minute = 75_000 // for clients of a dead node to come back: so late this may be told, should a busy node be taken for dead
  const of = (room) => told.filter(({ channel, name }) => channel === room && name !== "subscription_count").map((event) => [event.name, event.user_id ?? ""].join(" "))
  for (const room of rooms) {
    await until(() => of(room).includes("channel_vacated "), "that all left " + room, minute)
    await until(() => of(room).filter((event) => event.startsWith("member_removed")).length === 2, "who left " + room, minute)
    same(of(room).sort(), [
      "channel_occupied ", "channel_vacated ", "member_added ann", "member_added ben", "member_removed ann", "member_removed ben",
    ], "what happened in " + room)
  }
  close()
}
