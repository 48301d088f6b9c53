// What the scenarios of pusher-js without a WebSocket share: all kinds of channels, both ways, more than fits into one stream, and the end.

export const over = ({ settings }, transports, node = 0) => {
  const { host, port } = settings.nodes[node]
  return { node, httpHost: host, httpPort: port, enabledTransports: transports }
}

export async function talk(kit, transport) {
  const { app, client, connected, joined, name, owner, same, until } = kit
  const given = over(kit, [transport])
  const [news, room, box] = [name("news"), name("presence-room"), name("private-encrypted-box")]
  const ann = await connected({ ...given, member: { user_id: "ann", user_info: { name: "Ann ä😀" } }, user: { id: "ann" } })
  const ben = await connected({ member: { user_id: "ben" } })
  same(ann.connection.connection.transport.name, transport, "the transport")

  ann.signin()
  await until(() => ann.user.user_data, "that Ann is signed in")
  const [told, here, vault] = [await joined(ann, news), await joined(ann, room), await joined(ann, box)]
  same(here.members.me, { id: "ann", info: { name: "Ann ä😀" } }, "who Ann is")
  const desk = await joined(ben, room)
  await until(() => here.members.get("ben"), "that Ben is seen")
  here.trigger("client-hi", { text: "\\ä😀\n\"" })
  desk.trigger("client-ho", "text")
  await until(() => desk.events.length > 0 && here.events.length > 0, "client events")
  same([desk.events, here.events], [[["client-hi", { text: "\\ä😀\n\"" }]], [["client-ho", "text"]]], "client events")
  await owner.trigger(box, "secret", { number: 1 })
  await owner.trigger(news, "excluded", 0, { socket_id: ann.connection.socket_id })
  await until(() => vault.events.length > 0, "what is encrypted")
  same(vault.events, [["secret", { number: 1 }]], "what was encrypted")

  // Two and a half of what pusher-js keeps of one answer.
  const text = "€".repeat(3000)
  for (let number = 0; number < 220; number += 10) {
    const batch = Array.from({ length: 10 }, (_, i) => ({ channel: news, name: "many", data: { number: number + i, text } }))
    await owner.batch(batch)
  }
  await until(() => told.events.length >= 220, "all events")
  same(told.events.filter(([event, data], at) => event !== "many" || data.number !== at || data.text !== text).length, 0, "events out of place")
  same(told.events.length, 220, "events")
  same([ann.connection.state, ann.faults], ["connected", []], "the connection")

  ann.unsubscribe(room)
  await until(() => !desk.members.get("ann"), "that Ann has left")
  const states = []
  ann.connection.bind("state_change", ({ current }) => states.push(current))
  await owner.terminate("ann")
  await until(() => ann.connection.state === "disconnected", "that Ann is sent away")
  same([states, ann.faults.at(-1)?.code], [["disconnected"], 4009], "how Ann was sent away")

  const stranger = client(given, app.key + "x")
  await until(() => stranger.connection.state === "disconnected", "that a stranger gives up")
  same(stranger.faults[0].code, 4001, "the code for an unknown key")
}
