// A connection has an id in Pusher's form, lives until it is ended, and is refused for good where the key is nobody's.
export default async function ({ app, client, connected, same, until }) {
  const states = []
  const pusher = client()
  pusher.connection.bind("state_change", ({ current }) => states.push(current))
  await until(() => pusher.connection.state === "connected", "a connection")
  if (!/^\d+\.\d+$/.test(pusher.connection.socket_id)) throw new Error("socket id " + pusher.connection.socket_id)
  if ((await connected()).connection.socket_id === pusher.connection.socket_id) throw new Error("two connections share an id")
  pusher.disconnect()
  await until(() => pusher.connection.state === "disconnected", "the end")
  same(states.filter((state) => state !== "connecting"), ["connected", "disconnected"], "states")

  const stranger = client({}, app.key + "x")
  await until(() => stranger.faults.length > 0, "a refusal")
  same(stranger.faults[0].code, 4001, "the code for an unknown key")
  await until(() => stranger.connection.state === "disconnected", "that the client gives up")
}
