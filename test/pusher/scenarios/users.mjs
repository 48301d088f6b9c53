// A client signs in as a user; the owner reaches all connections of a user, and ends them.
export default async function ({ client, connected, name, owner, same, until }) {
  const id = name("user")
  const signed = async (user) => {
    const pusher = await connected({ user })
    pusher.heard = []
    pusher.user.bind_global((event, data) => pusher.heard.push([event, data]))
    pusher.signin()
    await pusher.user.signinDonePromise
    await until(() => pusher.user.user_data, "a sign-in")
    return pusher
  }
  const [one, two, other] = [await signed({ id, user_info: { name: "Ann" } }), await signed({ id }), await signed({ id: name("other") })]
  same([one.user.user_data.id, one.user.user_data.user_info], [id, { name: "Ann" }], "who signed in")

  // The channel of a user opens after the sign-in; only an event tells that it is open.
  const ready = ({ heard }) => heard.some(([event]) => event === "ready")
  await until(async () => {
    await owner.sendToUser(id, "ready", 1)
    return ready(one) && ready(two)
  }, "an event to the user")
  await owner.sendToUser(id, "note", { text: "hello" })
  await until(() => [one, two].every(({ heard }) => heard.some(([event]) => event === "note")), "a note")
  same(one.heard.filter(([event]) => event === "note"), [["note", { text: "hello" }]], "the note")
  same(other.heard, [], "what somebody else heard")

  same((await owner.terminate(id)).body, {}, "the answer to terminating")
  await until(() => [one, two].every(({ connection }) => connection.state === "disconnected"), "the end of a user's connections")
  same([one, two].every(({ faults }) => faults.length > 0 && faults.every(({ code }) => code === 4009)), true, "what they were told")
  same(other.connection.state, "connected", "somebody else")

  const forged = await connected({ userAuthentication: { customHandler: (_, done) => done(null, { auth: "x:" + "0".repeat(64), user_data: `{"id":"${id}"}` }) } })
  forged.signin()
  await until(() => forged.faults.length > 0, "a refusal of a forged sign-in")
  same(forged.faults[0].code, 4009, "its code")
}
