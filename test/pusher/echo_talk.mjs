// What the scenarios of Laravel Echo share: channels of each kind, whispers, and who is here.

export async function talk({ echo, name, owner, same, until }, broadcaster) {
  const [news, orders, room, box] = [name("news"), name("orders"), name("room"), name("vault")]
  const heard = []
  const hear = (what) => (data) => heard.push([what, data])
  const members = { ann: { user_id: 1, user_info: { name: "Ann" } }, ben: { user_id: 2, user_info: { name: "Ben" } } }
  const [ann, ben] = [echo({ broadcaster, member: members.ann }), echo({ broadcaster, member: members.ben })]

  const here = []
  let subscribed = 0
  const ready = () => subscribed++
  ann.channel(news).listen("OrderShipped", hear("news")).listen(".raw", hear("raw")).subscribed(ready)
  ann.private(orders).listen("OrderShipped", hear("order")).listenForWhisper("typing", hear("whisper")).subscribed(ready)
  ann.encryptedPrivate(box).listen("Opened", hear("box")).subscribed(ready)
  ann.join(room).here((all) => here.push(all.map((one) => one.name))).joining(hear("joining")).leaving(hear("leaving")).listen("Said", hear("said"))
  await until(() => here.length > 0 && subscribed === 3, "Ann's channels")
  same(here, [["Ann"]], "who is here")

  const told = async (what, count = 1) => until(() => heard.filter(([which]) => which === what).length >= count, what)
  ben.join(room)
  await told("joining")
  const desk = ben.private(orders)
  await new Promise((done) => desk.subscribed(done))
  desk.whisper("typing", { name: "Ben" })
  await told("whisper")

  await owner.trigger(news, "App\\Events\\OrderShipped", { id: 1 })
  await owner.trigger(news, "raw", { id: 2 })
  await owner.trigger("private-" + orders, "App\\Events\\OrderShipped", { id: 3 }, { socket_id: ben.socketId() })
  await owner.trigger("private-encrypted-" + box, "App\\Events\\Opened", { id: 4 })
  await owner.trigger("presence-" + room, "App\\Events\\Said", { id: 5 })
  for (const what of ["news", "raw", "order", "box", "said"]) await told(what)
  ben.leave(room)
  await told("leaving")
  same(heard.sort(([a], [b]) => (a < b ? -1 : 1)), [
    ["box", { id: 4 }], ["joining", { name: "Ben" }], ["leaving", { name: "Ben" }], ["news", { id: 1 }],
    ["order", { id: 3 }], ["raw", { id: 2 }], ["said", { id: 5 }], ["whisper", { name: "Ben" }],
  ], "all that Ann heard")
}
