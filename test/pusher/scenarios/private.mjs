// A private channel lets in whom the owner signed for, with channel data or without, and tells the others why not.
export default async function ({ app, client, connected, joined, name, owner, same, until }) {
  const channel = name("private-orders")
  const inside = await joined(await connected(), channel)
  const withData = await joined(await connected({ member: { user_id: "1", user_info: { name: "Ann" } } }), channel)
  await owner.trigger(channel, "paid", { sum: 12.5 })
  await until(() => inside.events.length && withData.events.length, "an event")
  same(inside.events, [["paid", { sum: 12.5 }]], "events")

  const forge = (auth) => client({ channelAuthorization: { customHandler: (_, done) => done(null, { auth }) } })
  for (const auth of [`${app.key}:${"0".repeat(64)}`, "nobody:" + "0".repeat(64), "", "text"]) {
    const refused = forge(auth).subscribe(channel)
    let fault
    refused.bind("pusher:subscription_error", (error) => (fault = error))
    await until(() => fault, "a refusal of " + JSON.stringify(auth))
    same([fault.type, fault.status], ["AuthError", 401], "the refusal")
    same(refused.subscribed, false, "subscribed")
  }
}
