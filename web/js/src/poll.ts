import { CommandQueue } from "./commands"
import type { Fault, Gap, Message, Push } from "./protocol"
import { address, authorization, faultOf, type Listener, type Opening, type Transport } from "./transport"

/** Long poll: one request after another, each from the position that the last one reached. */
export function openPoll(opening: Opening, listener: Listener): Transport {
  const abort = new AbortController()
  let request = abort
  let asked: string[] = []
  const over = (fault?: Fault) => {
    if (abort.signal.aborted) return
    close()
    listener.closed(fault)
  }
  const close = () => {
    abort.abort()
    request.abort()
  }
  // A browser repeats a request whose connection was reset, on its own. Where that does not say how far this client is in a
  // channel, the server cannot know what arrived: with a new channel, another request takes the place of the one under way.
  const received = (push: Push) => {
    listener.received(push)
    setTimeout(() => channelsOf(opening.cursor()).some((name) => !asked.includes(name)) && request.abort()) // once it is heard
  }
  const commands = new CommandQueue(opening, { ...listener, received }, abort.signal, over)
  let resume = opening.resume

  const ask = async (wait: string): Promise<any> => {
    request = new AbortController()
    asked = channelsOf(opening.cursor())
    const { signal } = request
    const options: RequestInit = { headers: authorization(opening), signal, cache: "no-store" }
    try {
      const response = await fetch(address("/v1/poll", opening, resume, { wait }), options)
      return response.ok ? await response.json() : over(await faultOf(response))
    } catch {
      if (!signal.aborted) over()
    }
  }

  const loop = async (): Promise<void> => {
    for (let wait = "0s"; !abort.signal.aborted; wait = "25s") {
      const answer = await ask(wait)
      if (!answer) continue
      if (answer.connected) {
        resume = answer.connected.resume
        commands.connected(answer.connected)
      }
      let last: Push | undefined
      for (const push of pushesOf(answer)) {
        if (abort.signal.aborted) return
        if (push.op === "error" || push.op === "drain") last = push
        listener.received(push)
      }
      if (last) return over(last.error)
      listener.between()
    }
  }
  loop().catch(() => over())
  return { send: (command) => commands.send(command), close }
}

/** The channels of a cursor. */
function channelsOf(cursor: string): string[] {
  return cursor ? cursor.split("~").map((item) => item.split("*")[0]) : []
}

/** The pushes of an answer, in the order in which another transport would have brought them. */
function* pushesOf(answer: any): Generator<Push> {
  yield { ...answer.connected, op: answer.connected ? "connected" : "ping" }
  yield* answer.pushes ?? []
  for (const push of answer.dropped ?? []) yield { ...push, op: "dropped" }
  let messages: Message[] = answer.messages
  for (const gap of answer.gaps) {
    const after = (message: Message) => !precedes(message, gap)
    for (const message of messages) if (!after(message)) yield { ...message, op: "message" }
    messages = messages.filter(after)
    yield { ...gap, op: "gap" }
  }
  for (const message of messages) yield { ...message, op: "message" }
  for (const push of answer.presence ?? []) yield { ...push, op: "presence" }
}

/** Whether a message came before a gap of its channel: the stream goes on after the gap's position. */
function precedes(message: Message, gap: Gap): boolean {
  return message.channel === gap.channel && (message.epoch !== gap.epoch || message.offset <= gap.offset)
}
