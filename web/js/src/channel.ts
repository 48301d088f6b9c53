import type { Connection } from "./connection"
import { call, Emitter } from "./emitter"
import { Presence } from "./presence"
import { HalleyError, type Command, type Gap, type Message, type PresenceEvent, type Push } from "./protocol"

export interface ChannelOptions {
  /** Begin with the last N messages. */
  rewind?: number
  /** Begin after this position, `epoch:offset`. */
  since?: string
}

/** What a channel tells besides its messages. */
export interface ChannelEvents {
  /** The subscription stands; `recovered` is false where messages may be missing (a gap follows). */
  subscribed: { channel: string; epoch: string; offset: number; recovered: boolean }
  /** Messages are missing. Read the state anew. */
  gap: Gap
  /** The channel's policy let go of so many messages. */
  dropped: { channel: string; count: number }
  /** The server cannot say now whether something is missing; it goes on by itself. */
  suspended: { channel: string; retry_after: number }
  /** The subscription was refused or ended. */
  error: HalleyError
}

/** The least wait, in ms, before a subscription is asked for again that the server could not give just now. */
const retryWait = 1_000

type Listener = (message: Message) => void

let counter = 0

/** One channel of one client. Get it from halley.channel(name). */
export class Channel extends Emitter<ChannelEvents> {
  readonly presence: Presence
  private messages = new Map<string, Set<Listener>>()
  private followed = false
  /** Counts subscriptions; the answer to an earlier one has nothing to say any more. */
  private life = 0
  private epoch?: string
  private offset = 0

  /** Made by Halley. */
  constructor(
    readonly name: string,
    private connection: Connection,
    private options: ChannelOptions,
  ) {
    super()
    this.presence = new Presence(name, connection, () => this.follow(true))
  }

  /** The position that this client has reached, `epoch:offset`; undefined before the first. */
  get position(): string | undefined {
    return this.epoch && this.epoch + ":" + this.offset
  }

  /** Calls listener for each message, or each with that event. Returns what ends it. */
  subscribe(listener: Listener): () => void
  subscribe(event: string, listener: Listener): () => void
  subscribe(event: string | Listener, listener?: Listener): () => void {
    const [name, heard] = typeof event === "string" ? [event, listener!] : ["", event]
    let set = this.messages.get(name)
    if (!set) this.messages.set(name, (set = new Set()))
    set.add(heard)
    this.follow()
    return () => set.delete(heard)
  }

  /** Ends the subscription and forgets its listeners and its position. */
  unsubscribe(): void {
    this.messages.clear()
    if (!this.followed) return
    this.end()
    this.presence.forget()
    this.sendUnsubscribe()
  }

  /** Publishes; resolves when the message is kept. It is sent again, with the same id, when the connection drops before. */
  publish(event: string, data: unknown, options: { id?: string; echo?: boolean } = {}): Promise<Push> {
    const id = options.id ?? newID()
    const command: Command = { op: "publish", channel: this.name, event, data: data === undefined ? null : data, id }
    if (options.echo === false) command.echo = false
    this.connection.open()
    return this.connection.request(command, true)
  }

  /** A page of the channel's history. */
  async history(query: { limit?: number; direction?: "backward" | "forward"; since?: string } = {}): Promise<Message[]> {
    this.connection.open()
    return (await this.connection.request({ op: "history", channel: this.name, ...query }, true)).messages
  }

  /** Begins the subscription; changed says that one that has begun is to be told what it asks for now. */
  private follow(changed = false): void {
    if (this.followed && !changed) return
    this.followed = true
    this.connection.open()
    if (this.connection.state === "connected") this.sendSubscribe()
  }

  /** @internal The session is there, new or resumed; channels with a position came back by the cursor. */
  connected(): void {
    if (this.followed && (!this.epoch || this.presence.wanted)) this.sendSubscribe()
    this.presence.connected()
  }

  private sendSubscribe(): void {
    const command: Command = { op: "subscribe", channel: this.name }
    if (this.presence.wanted) command.presence = true
    if (this.epoch) command.since = this.position
    else if (this.options.since) command.since = this.options.since
    else if (this.options.rewind) command.rewind = this.options.rewind
    const life = this.life
    this.connection.request(command).then(
      (reply) => life === this.life && this.subscribed(reply),
      (error: HalleyError) => life === this.life && this.unanswered(error),
    )
  }

  private sendUnsubscribe(): void {
    this.connection.request({ op: "unsubscribe", channel: this.name }).catch(() => {})
  }

  private subscribed(reply: Push): void {
    if (!this.epoch) this.moveTo(reply) // else the stream says where it stands
    if (reply.presence) this.presence.changed({ channel: this.name, action: "sync", ...reply.presence })
    this.emit("subscribed", reply as any)
  }

  /** The subscription was refused, or cannot be had just now: then it is tried again, unless a reconnect does it before. */
  private unanswered(error: HalleyError): void {
    if (error.code >= 4300 && !error.retryAfter) return this.refused(error)
    const { life } = this
    const session = this.connection.session
    setTimeout(
      () => {
        const { connection } = this
        if (life === this.life && connection.state === "connected" && connection.session === session) this.sendSubscribe()
      },
      (error.retryAfter ?? retryWait) * (1 + Math.random()),
    )
  }

  private refused(error: HalleyError): void {
    this.end()
    error.channel = this.name
    this.emit("error", error)
  }

  private end(): void {
    this.followed = false
    this.epoch = undefined
    this.life++
  }

  private moveTo(place: Push | Gap | Message): void {
    this.epoch = place.epoch
    this.offset = place.offset
  }

  /** @internal A push that names this channel. */
  received(push: Push): void {
    if (!this.followed) {
      if (push.op === "subscribed") this.sendUnsubscribe()
      return
    }
    switch (push.op) {
      case "message":
        return this.message(push as unknown as Message & { op?: string })
      case "presence":
        return this.presence.changed(push as unknown as PresenceEvent)
      case "unsubscribed":
        return this.refused(new HalleyError(push.error))
      case "subscribed":
      case "gap":
        this.moveTo(push) // the stream goes on there, even where that is further back
    }
    this.emit(push.op as keyof ChannelEvents, push as any)
  }

  private message({ op, ...message }: Message & { op?: string }): void {
    if (message.epoch === this.epoch && message.offset <= this.offset) return // it came by an earlier connection
    this.moveTo(message)
    for (const name of ["", message.event]) {
      for (const listener of [...(this.messages.get(name) ?? [])]) call(listener, message)
    }
  }
}

/** An id that no other client gives: publishing again with it is safe. crypto.randomUUID is missing on plain HTTP. */
function newID(): string {
  const random = crypto.getRandomValues(new Uint32Array(4))
  return [...random].map((n) => n.toString(36)).join("") + (counter++).toString(36)
}
