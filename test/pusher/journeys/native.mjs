// Pusher's clients and Halley's share the channels of an app.
export default async function ({ ask, connected, joined, owner, same, until }) {
  const channel = await joined(await connected(), "shared")
  await owner.trigger("shared", "greeting", { from: "pusher", list: [1, 2.50] })
  same(await ask("received"), ["greeting", { from: "pusher", list: [1, 2.5] }], "what a native subscriber received")
  await ask("publish", "reply", { from: "halley" })
  await ask("publish", "text", "plain")
  await until(() => channel.events.length === 3, "what native publishers sent")
  same(channel.events.slice(1), [["reply", { from: "halley" }], ["text", "plain"]], "what native publishers sent")
}
