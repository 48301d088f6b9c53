import type { Command } from "./protocol"
import { authorization, faultOf, type Listener, type Opening } from "./transport"

/** The way back of a transport that only receives: commands are posted, in order, those that wait together in one request. */
export class CommandQueue {
  resume?: string
  private waiting: Command[] = []
  private busy = false

  constructor(
    private opening: Opening,
    private listener: Listener,
    private signal: AbortSignal,
    private failed: () => void,
  ) {}

  send(command: Command): void {
    this.waiting.push(command)
    if (!this.busy) void this.flush()
  }

  private async flush(): Promise<void> {
    this.busy = true
    while (this.waiting.length && this.resume && !this.signal.aborted) {
      const commands = this.waiting.splice(0, 100)
      try {
        await this.post(commands)
      } catch {
        if (!this.signal.aborted) this.failed() // what is not answered is sent again on the next connection
        break
      }
    }
    this.busy = false
  }

  private async post(commands: Command[]): Promise<void> {
    const response = await fetch(this.opening.base + "/v1/commands", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...authorization(this.opening) },
      body: JSON.stringify({ session: this.resume, commands }),
      // The last word of a client that goes away outlives its connection.
      signal: commands.some(({ op }) => op === "close") ? undefined : this.signal,
      keepalive: true,
    })
    if (response.ok) {
      for (const reply of (await response.json()).replies) this.listener.received(reply)
      return
    }
    const error = await faultOf(response)
    if (!error) throw new Error(response.statusText)
    for (const { ref } of commands) this.listener.received({ op: "error", ref, error })
  }
}
