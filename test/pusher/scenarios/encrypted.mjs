// The server relays what it cannot read.
export default async function ({ connected, joined, name, owner, same, until }) {
  const channel = name("private-encrypted-vault")
  const [one, two] = [await joined(await connected(), channel), await joined(await connected(), channel)]
  const secrets = [{ code: 1234 }, "a text", { deep: { list: ["ä", 1.5, null] } }]
  for (const secret of secrets) await owner.trigger(channel, "opened", secret)
  await until(() => one.events.length >= 3 && two.events.length >= 3, "three events")
  same(one.events, secrets.map((secret) => ["opened", secret]), "what one read")
  same(two.events, one.events, "what the other read")
}
