import type { Command, Fault, Push } from "./protocol"
import { authorization, faultOf, type Listener, type Opening } from "./transport"

/** A request holds at most so many commands: section 5.3 of the protocol. */
const batch = 100
/** How long an answer may take, in ms. A request may be lost although the stream beside it, on a connection of its own, lives. */
const answerTimeout = 30_000
/** Faults of a request that say nothing about its commands: body_timeout, body_truncated, session_not_found. */
const passing = [4317, 4318, 4325]

/** The fault of a command that was not done since the answers before it are so large: answer_full. */
const answerFull = 4326

/** The way back of a transport that only receives: commands are posted, in order, those that wait together in one request. */
export class CommandQueue {
  private resume?: string
  private room = 0
  private waiting: Command[] = []
  private busy = false

  constructor(
    private opening: Opening,
    private listener: Listener,
    private signal: AbortSignal,
    private failed: (fault?: Fault) => void,
  ) {}

  /** The server has said `connected`: from now on commands are posted. */
  connected(push: Push): void {
    this.resume = push.resume
    this.room = push.limits.message_bytes
  }

  send(command: Command): void {
    if (command.op === "close") return endSession(this.opening, this.resume!)
    this.waiting.push(command)
    if (!this.busy) void this.flush()
  }

  private async flush(): Promise<void> {
    this.busy = true
    while (this.waiting.length && this.resume && !this.signal.aborted) {
      const late = setTimeout(() => this.failed(), answerTimeout)
      try {
        await this.post(this.next())
      } catch {
        if (!this.signal.aborted) this.failed() // what is not answered is sent again on the next connection
      }
      clearTimeout(late)
    }
    this.busy = false
  }

  /** Takes what one request may hold. A character has at most three bytes in UTF-8. */
  private next(): Command[] {
    let count = 0
    for (let size = 0; count < Math.min(batch, this.waiting.length); count++) {
      size += JSON.stringify(this.waiting[count]).length * 3
      if (count && size > this.room) break
    }
    return this.waiting.splice(0, count)
  }

  private async post(commands: Command[]): Promise<void> {
    const response = await postCommands(this.opening, this.resume!, commands, { signal: this.signal })
    if (response.ok) {
      const { replies }: { replies: Push[] } = await response.json()
      const isLeft = (_: unknown, i: number) => replies[i].error?.code === answerFull
      this.waiting.unshift(...commands.filter(isLeft)) // another request has room for them at once
      for (const reply of replies.filter((_, i) => !isLeft(_, i))) this.listener.received(reply)
      return
    }
    const fault = await faultOf(response)
    if (!fault || passing.includes(fault.code)) return this.failed()
    if (fault.code < 4300) return this.failed(fault)
    for (const { ref } of commands) this.listener.received({ op: "error", ref, error: fault })
  }
}

/** Ends a session without waiting for it. The request outlives the connection, and the page. */
export function endSession(opening: Opening, resume: string): void {
  postCommands(opening, resume, [{ op: "close" }], { keepalive: true }).catch(() => {}) // then its time will end it
}

function postCommands(opening: Opening, session: string, commands: Command[], options: RequestInit): Promise<Response> {
  return fetch(opening.base + "/v1/commands", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...authorization(opening) },
    body: JSON.stringify({ session, commands }),
    ...options,
  })
}
