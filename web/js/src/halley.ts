import { makers, type TransportName } from "./attempts"
import { Channel, type ChannelOptions } from "./channel"
import { Connection, type ConnectionOptions, type State, type StateChange } from "./connection"
import { Emitter } from "./emitter"
import { HalleyError, type Gap } from "./protocol"

/** How to connect: `key` or `token`, the rest has defaults. */
export type Options = Partial<ConnectionOptions> & ({ key: string } | { token: NonNullable<ConnectionOptions["token"]> })

export interface Events {
  /** idle, connecting, connected (with its transport), waiting (for a reconnect), failed (for good), closed. */
  state: StateChange
  /** Messages of some channel are missing. */
  gap: Gap
  /** The connection failed for good, the server told of an error, or a subscription was refused (then with its channel). */
  error: HalleyError
}

/** A client: one session with a Halley server. */
export class Halley extends Emitter<Events> {
  private connection: Connection
  private channels = new Map<string, Channel>()

  /** home is the server that the script came from: where to connect if the options do not say. */
  constructor(options: Options, home: string) {
    super()
    if (!options.key === !options.token) throw new TypeError("Halley: give either key or token")
    const url = (options.url ?? home).replace(/\/+$/, "")
    if (!/^https?:\/\/./.test(url)) throw new TypeError("Halley: url is " + url + "; it begins with https:// or http://")
    const transports = options.transports ?? (Object.keys(makers) as TransportName[])
    if (!transports.length || transports.some((name) => !makers[name])) {
      throw new TypeError("Halley: transports are some of " + Object.keys(makers).join(", "))
    }
    this.connection = new Connection({ ...options, url, transports }, () => this.cursor())
    this.connection.on("state", (change) => {
      this.emit("state", change)
      if (change.state === "failed" && change.fault) this.emit("error", new HalleyError(change.fault))
    })
    this.connection.on("push", (push) => {
      if (push.op === "connected") for (const channel of this.channels.values()) channel.connected()
      if (push.op === "error" && push.error.code >= 4300) this.emit("error", new HalleyError(push.error))
      if (push.channel) this.channel(push.channel).received(push)
    })
  }

  /** Where the connection stands. */
  get state(): State {
    return this.connection.state
  }

  /** The transport in use, or last in use. */
  get transport(): TransportName | undefined {
    return this.connection.transport
  }

  /** The session's public id: publishers name it to exclude this client. */
  get session(): string | undefined {
    return this.connection.session
  }

  /** The channel of that name: always the same object. Options hold when it is first named. */
  channel(name: string, options: ChannelOptions = {}): Channel {
    let channel = this.channels.get(name)
    if (!channel) {
      this.channels.set(name, (channel = new Channel(name, this.connection, options)))
      channel.on("gap", (gap) => this.emit("gap", gap))
      channel.on("error", (error) => this.emit("error", error))
    }
    return channel
  }

  /** Connects now. Subscribe, publish and the like begin to connect by themselves, but not after close() or a failure. */
  connect(): void {
    this.connection.reopen()
  }

  /** Ends the session: presence ends at once, what waits for an answer is rejected. Positions are kept for connect(). */
  close(): void {
    this.connection.close()
  }

  private cursor(): string {
    const items: string[] = []
    for (const { name, position } of this.channels.values()) if (position) items.push(name + "*" + position)
    return items.join("~")
  }
}
