import { CommandQueue } from "./commands"
import type { Fault, Push } from "./protocol"
import { address, authorization, faultOf, type Listener, type Opening, type Transport } from "./transport"

/** Long poll: one request after another, each from the position that the last one reached. */
export function openPoll(opening: Opening, listener: Listener): Transport {
  const abort = new AbortController()
  let poll: AbortController | undefined
  const over = (fault?: Fault) => {
    if (abort.signal.aborted) return
    abort.abort()
    poll?.abort()
    listener.closed(fault)
  }
  const commands = new CommandQueue(opening, listener, abort.signal, over)
  let resume = opening.resume

  const loop = async (): Promise<void> => {
    for (let first = true; !abort.signal.aborted; first = false) {
      poll = new AbortController()
      const response = await fetch(address("/v1/poll", opening, resume, { wait: first ? "0s" : "25s" }), {
        headers: authorization(opening),
        signal: poll.signal,
        cache: "no-store",
      })
      if (!response.ok) return over(await faultOf(response))
      const answer = await response.json()
      if (abort.signal.aborted) return
      if (answer.connected) commands.resume = resume = answer.connected.resume
      for (const push of pushesOf(answer)) listener.received(push)
    }
  }
  loop().catch(() => over())
  return {
    send: (command) => commands.send(command),
    close() {
      abort.abort()
      poll?.abort()
    },
  }
}

const lists = { gaps: "gap", dropped: "dropped", messages: "message", presence: "presence" } as const

/** The pushes of an answer, in the order in which another transport would have brought them. */
function* pushesOf(answer: any): Generator<Push> {
  yield answer.connected ? { ...answer.connected, op: "connected" } : { op: "ping" }
  yield* answer.pushes ?? []
  for (const [list, op] of Object.entries(lists)) {
    for (const push of answer[list] ?? []) yield { ...push, op }
  }
}
