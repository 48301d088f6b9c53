// The HTTP API by pusher-http-node: answers, and refusals with their statuses.
export default async function ({ connected, joined, name, owner, same, refusal, until }) {
  const [plain, room, empty] = [name("plain"), name("presence-plain"), name("presence-empty")]
  const one = await connected({ member: { user_id: "1" } })
  for (const channel of [plain, room]) await joined(one, channel)
  const counted = async (channel) => (await owner.get("/channels/" + channel, { info: "subscription_count" })).body.subscription_count
  await until(async () => (await counted(plain)) === 1 && (await counted(room)) === 1, "that all nodes count")

  same((await owner.trigger([plain, room, empty], "e", {}, { info: "subscription_count,user_count" })).body, {
    channels: {
      [plain]: { subscription_count: 1 },
      [room]: { user_count: 1, subscription_count: 1 },
      [empty]: { user_count: 0, subscription_count: 0 },
    },
  }, "counts with a trigger")
  same((await owner.batch([{ channel: plain, name: "e", data: {} }, { channel: empty, name: "e", data: "x" }])).body, {}, "a batch")
  same((await owner.batch([
    { channel: plain, name: "e", data: {}, info: "subscription_count" },
    { channel: empty, name: "e", data: {} },
  ])).body, { batch: [{ subscription_count: 1 }, {}] }, "counts with a batch")

  const { body: all } = await owner.get("/channels")
  same([all.channels[plain], all.channels[room], all.channels[empty]], [{}, {}, undefined], "channels")
  const { body: rooms } = await owner.get("/channels", { filter_by_prefix: "presence-", info: "user_count" })
  same([rooms.channels[room], rooms.channels[plain]], [{ user_count: 1 }, undefined], "channels by prefix, counted")
  same((await owner.get("/channels", { filter_by_prefix: name("none") })).body, { channels: {} }, "no channels")
  same((await owner.get(`/channels/${empty}`)).body, { occupied: false }, "an empty channel")

  const status = async (call, text = "") => {
    const { status, text: told } = await refusal(call)
    if (!told.includes(text)) throw new Error(`status ${status} says ${told}, not ${text}`)
    return status
  }
  same(await status(owner.get("/channels", { info: "user_count" })), 400, "user_count without a prefix")
  same(await status(owner.get(`/channels/${plain}`, { info: "user_count" })), 400, "user_count of a plain channel")
  same(await status(owner.get(`/channels/${plain}/users`)), 400, "users of a plain channel")
  same(await status(owner.trigger(plain, "e", "x".repeat(10_241)), "content of this event exceeds the allowed maximum (10240 bytes)"), 413, "too large")
  const eleven = Array.from({ length: 11 }, () => ({ channel: plain, name: "e", data: "" }))
  same(await status(owner.batch(eleven), "atch too large"), 400, "eleven in a batch")
  same(await status(owner.post("/events", { name: "e", channels: ["a b"], data: "" })), 400, "a name with a space")
  same(await status(owner.post("/events", { channels: [plain], data: "" })), 400, "an event without a name")
  same(await status(owner.post("/nothing", {})), 404, "no such call")
}
