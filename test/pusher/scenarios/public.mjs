// What the owner publishes arrives as it was sent, in order, once, at who is subscribed and not excluded.
export default async function ({ connected, joined, name, owner, same, until, recorded }) {
  const [news, sport] = [name("news"), name("sport")]
  const [one, two] = [await connected(), await connected()]
  const [first, second, other] = [await joined(one, news), await joined(two, news), await joined(one, sport)]

  const values = [{ text: "hello", nested: [1, null, true] }, "plain text", "", '"quoted"', "ä€😀 \u2028", "[1,\n2]", 42, null, false, []]
  for (const value of values) same((await owner.trigger(news, "value", value)).body, {}, "the answer")
  // pusher-js reads each text as JSON where that is possible.
  const arrived = ["quoted", [1, 2]]
  const wanted = values.map((value) => (value === '"quoted"' ? arrived[0] : value === "[1,\n2]" ? arrived[1] : value))
  await until(() => first.events.length >= values.length && second.events.length >= values.length, "the values")
  same(first.events.map(([, data]) => data), wanted, "values")
  same(second.events, first.events, "another subscriber's values")

  await owner.trigger([news, sport], "both", 1, { socket_id: one.connection.socket_id })
  await owner.trigger([news, sport], "last", 2)
  await until(() => other.events.length > 0 && second.events.length >= values.length + 2, "both channels")
  same(other.events, [["last", 2]], "at who is excluded")
  same(second.events.slice(values.length), [["both", 1], ["last", 2]], "at who is not")

  two.unsubscribe(news)
  const late = recorded(two.subscribe(sport))
  await until(() => two.channel(sport).subscribed, "another subscription")
  await owner.trigger(news, "missed", 3)
  await owner.trigger(sport, "seen", 4)
  await until(() => late.length > 0, "an event after the other subscription")
  same(second.events.length, values.length + 2, "events after unsubscribing")
  same(late, [["seen", 4]], "events of the other channel")
}
