// Clients speak to each other on private and presence channels; the server says who spoke, and never lets a sender say so.
export default async function ({ connected, joined, name, same, until }) {
  const [quiet, room] = [name("private-desk"), name("presence-desk")]
  const [ann, ben] = [await connected({ member: { user_id: "ann" } }), await connected({ member: { user_id: 7 } })]
  const [annsQuiet, bensQuiet] = [await joined(ann, quiet), await joined(ben, quiet)]
  const [annsRoom, bensRoom] = [await joined(ann, room), await joined(ben, room)]

  // One after the other: without a WebSocket each is a request of its own, and requests may overtake each other.
  annsQuiet.trigger("client-typing", { on: true })
  await until(() => bensQuiet.events.length === 1, "an event of a private channel")
  annsQuiet.trigger("client-text", "as it is")
  await until(() => bensQuiet.events.length === 2, "another event of it")
  same(bensQuiet.events, [["client-typing", { on: true }], ["client-text", "as it is"]], "events, in which nobody is named")

  const moves = [] // with who made them
  for (const channel of [annsRoom, bensRoom]) channel.bind("client-move", (data, { user_id }) => moves.push([data, user_id]))
  annsRoom.trigger("client-move", { x: 1, user_id: "someone else" })
  await until(() => moves.length > 0, "an event of a presence channel")
  bensRoom.trigger("client-move", { x: 2 })
  await until(() => moves.length > 1, "another one")
  same(moves, [[{ x: 1, user_id: "someone else" }, "ann"], [{ x: 2 }, "7"]], "who moved")
  same(annsQuiet.events, [], "what came back to the sender")

  const square = name("square")
  await joined(ann, square)
  ann.send_event("client-loud", {}, square)
  await until(() => ann.faults.length > 0, "a refusal on a public channel")

  // More than ten a second: the client is told, and stays.
  for (let i = 0; i < 40; i++) annsQuiet.trigger("client-flood", { i })
  await until(() => ann.faults.some(({ code }) => code === 4301), "a refusal of too many")
  same(ann.connection.state, "connected", "the state after it")
}
