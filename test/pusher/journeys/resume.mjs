// Clients with halley-pusher.js lose their connections, and then perhaps their node, amid messages. Each gets every message that the API had
// acknowledged, in order and once; what a client's own server excluded it from does not come back to it.
export default async function ({ ask, connected, joined, name, owner, Pusher, same, settings, until }) {
  const { host, port } = settings.nodes[1]
  const script = await fetch(`http://${host}:${port}/halley-pusher.js`)
  new Function(await script.text())()
  globalThis.halleyPusher(Pusher)

  const channels = [name("news"), name("private-news")]
  const people = []
  for (let i = 0; i < 4; i++) {
    const pusher = await connected({ node: i % 2 })
    const joint = []
    for (const one of channels) joint.push(await joined(pusher, one))
    people.push({ pusher, joint })
  }
  const fell = people.filter((_, i) => i % 2 === 0)

  const acknowledged = []
  let [next, going] = [0, true]
  const publishing = (async () => {
    for (; going; next++) {
      await owner.trigger(channels, "count", next, { node: 1 }).then(() => acknowledged.push(next), () => {})
      await new Promise((done) => setTimeout(done, 30)) // history holds a hundred
    }
  })()
  const more = async (count, end = acknowledged.length + count) => until(() => acknowledged.length >= end, "more messages")
  for (const harm of ["cut", "cut", "kill"]) {
    await more(20)
    const ids = fell.map(({ pusher }) => pusher.connection.socket_id)
    await owner.trigger(channels[0], "echo", harm, { node: 1, socket_id: ids[0] })
    await ask(harm)
    await until(() => fell.every(({ pusher }, i) => pusher.connection.state === "connected" && pusher.connection.socket_id !== ids[i]), "the fallen")
    await until(() => fell.every(({ joint }) => joint.every(({ subscribed }) => subscribed)), "their channels")
  }
  await more(20)
  going = false
  await publishing

  const last = acknowledged.at(-1)
  const numbers = (channel) => channel.events.filter(([event]) => event === "count").map(([, number]) => number)
  const known = new Set(acknowledged)
  for (const { joint } of people) {
    for (const channel of joint) {
      await until(() => numbers(channel).includes(last), "the last message")
      const got = numbers(channel)
      same(channel.events.filter(([event]) => event === "halley:gap"), [], "gaps")
      same(got, [...new Set(got)].sort((a, b) => a - b), "order of " + channel.name)
      same(got.filter((number) => known.has(number)), acknowledged, "acknowledged messages on " + channel.name)
    }
  }
  const echoes = (person) => person.joint[0].events.filter(([event]) => event === "echo").map(([, harm]) => harm)
  same(people.map(echoes), [[], ...Array(3).fill(["cut", "cut", "kill"])], "events that one was excluded from")
}
