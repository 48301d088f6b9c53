// Subscribers are told how many they are, but on presence channels, which say who.
export default async function ({ connected, joined, name, owner, same, until }) {
  const channel = name("crowd")
  const [one, two] = [await connected(), await connected()]
  const first = await joined(one, channel)
  const counts = []
  first.bind("pusher:subscription_count", ({ subscription_count }) => counts.push(subscription_count))
  await joined(two, channel)
  await until(() => counts.at(-1) === 2, "a count of two")
  same(first.subscriptionCount, 2, "the count that the channel has")
  two.unsubscribe(channel)
  await until(() => counts.at(-1) === 1, "a count of one")
  same((await owner.get(`/channels/${channel}`, { info: "subscription_count" })).body, { occupied: true, subscription_count: 1 }, "the API")
}
