import type { Connection } from "./connection"
import { call } from "./emitter"
import type { HalleyError, Member, PresenceEvent, Push } from "./protocol"

type Listener = (event: PresenceEvent) => void

/** Who is on a channel. Get it from channel.presence. */
export class Presence {
  /** Whether the channel's subscription asks for changes. */
  wanted = false
  private listeners = new Set<Listener>()
  private known = new Map<string, Member>()
  private version?: number
  private mine?: { data?: unknown }
  private changes = 0

  /** Made by Channel. */
  constructor(
    private channel: string,
    private connection: Connection,
    private follow: () => void,
  ) {}

  /** The members as far as they are known; they are kept true while somebody listens. */
  get members(): Member[] {
    return [...this.known.values()]
  }

  /** Calls listener at each change, first with the whole set (`sync`). Returns what ends it. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener)
    if (!this.wanted) {
      this.wanted = true
      this.follow()
    } else if (this.version !== undefined) {
      const { channel, members, version } = this
      queueMicrotask(() => this.listeners.has(listener) && call(listener, { channel, action: "sync", members, version }))
    }
    return () => {
      if (!this.listeners.delete(listener) || this.listeners.size) return
      this.forget()
      this.follow()
    }
  }

  /** Becomes a member, and stays one across reconnects until leave(). */
  enter(data?: unknown): Promise<Push> {
    return this.change("enter", data)
  }

  /** Changes this member's data. */
  update(data: unknown): Promise<Push> {
    return this.change("update", data)
  }

  /** Ends the membership. */
  leave(): Promise<Push> {
    this.mine = undefined
    return this.request("leave")
  }

  /** Reads the members from the server. */
  async get(): Promise<Member[]> {
    return (await this.request("members")).members
  }

  private async change(op: "enter" | "update", data: unknown): Promise<Push> {
    const mine = (this.mine = { data })
    this.changes++
    try {
      return await this.request(op, mine)
    } catch (error) {
      if (this.mine === mine && (error as HalleyError).code >= 4300) this.mine = undefined // refused: not to be tried again
      throw error
    } finally {
      this.changes--
    }
  }

  private request(op: string, fields: { data?: unknown } = {}): Promise<Push> {
    this.connection.open()
    return this.connection.request({ op, channel: this.channel, ...fields }, true)
  }

  /**
   * @internal A session that was away for longer than its grace has lost its membership. To enter again changes nothing else.
   * What was not answered is sent again anyway.
   */
  connected(): void {
    if (this.mine && !this.changes) this.change("enter", this.mine.data).catch(() => {})
  }

  /** @internal */
  changed(event: PresenceEvent): void {
    if (!this.wanted) return
    const key = (member: Member) => member.client_id + "\n" + member.session
    if (event.action === "sync") this.known = new Map(event.members!.map((member) => [key(member), member]))
    else if (event.action === "leave") this.known.delete(key(event.member!))
    else this.known.set(key(event.member!), event.member!)
    this.version = event.version
    for (const listener of [...this.listeners]) call(listener, event)
  }

  /** @internal */
  forget(): void {
    this.wanted = false
    this.version = undefined
    this.listeners.clear()
    this.known.clear()
  }
}
