// A cache channel begins with the last event that was published on it, or says that there is none.
export default async function ({ connected, joined, name, owner, same, until }) {
  for (const kind of ["cache-price", "private-cache-price", "presence-cache-price", "private-encrypted-cache-price"]) {
    const channel = name(kind)
    const member = { user_id: kind }
    const early = (await connected({ member })).subscribe(channel)
    let missed = 0
    early.bind("pusher:cache_miss", () => missed++)
    await until(() => missed > 0, "a miss on " + channel)

    for (const price of [1, 2]) await owner.trigger(channel, "price", { price })
    const late = await joined(await connected({ member }), channel)
    await until(() => late.events.length > 0, "the last event of " + channel)
    await owner.trigger(channel, "price", { price: 3 })
    await until(() => late.events.length > 1, "the next event of " + channel)
    same(late.events, [["price", { price: 2 }], ["price", { price: 3 }]], "events of " + channel)
    same(missed, 1, "misses of " + channel)
    const { body } = await owner.get(`/channels/${channel}`, { info: "cache" })
    if (!body.cache?.data || !(body.cache.ttl > 0)) throw new Error("the cache by the API: " + JSON.stringify(body))
  }
}
