// Who signs in with a watchlist is told who of it is online, and then who comes and goes.
export default async function ({ connected, name, same, until }) {
  const [ann, ben, eve] = [name("ann"), name("ben"), name("eve")]
  const signed = async (user) => {
    const pusher = await connected({ user })
    pusher.signin()
    await until(() => pusher.user.user_data, "a sign-in")
    return pusher
  }
  const first = await signed({ id: ben })
  const watcher = await connected({ user: { id: ann, watchlist: [ben, eve] } })
  const [online, offline] = [[], []]
  watcher.user.watchlist.bind("online", ({ user_ids }) => online.push(...user_ids))
  watcher.user.watchlist.bind("offline", ({ user_ids }) => offline.push(...user_ids))
  watcher.signin()
  await until(() => online.includes(ben) && offline.includes(eve), "who is online")
  const later = await signed({ id: eve })
  await until(() => online.includes(eve), "who came")
  later.disconnect()
  await until(() => offline.filter((id) => id === eve).length > 1, "who went")
  const again = await signed({ id: ben })
  first.disconnect()
  again.disconnect()
  await until(() => offline.includes(ben), "who went with the last of two connections")
  same([online.filter((id) => id === ben).length, offline.filter((id) => id === ben).length], [1, 1], "changes of one with two connections")
}
