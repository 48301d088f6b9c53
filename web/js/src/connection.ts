import { Emitter } from "./emitter"
import { openPoll } from "./poll"
import { HalleyError, unreachable, type Command, type Fault, type Push } from "./protocol"
import { openEvents } from "./sse"
import type { MakeTransport, Transport } from "./transport"
import { openWebSocket } from "./websocket"

export type TransportName = "websocket" | "sse" | "poll"
export type State = "idle" | "connecting" | "connected" | "waiting" | "failed" | "closed"

/** Where and as whom to connect. */
export interface ConnectionOptions {
  /** Where Halley is; default: where the script came from. */
  url: string
  /** Publishable key; or else token. */
  key?: string
  /** A token, or what fetches one; it is called again whenever a newer one is needed. */
  token?: string | (() => string | Promise<string>)
  /** Transports in the order in which they are tried. */
  transports: TransportName[]
}

const makers: Record<TransportName, MakeTransport> = { websocket: openWebSocket, sse: openEvents, poll: openPoll }

/** How long a transport may take until the server has said `connected`; a proxy that swallows a stream is found out so. */
const openTimeout = 6_000
/** The first and the longest wait before a reconnect, in ms; each wait is drawn from 0 to the bound, which doubles. */
const firstWait = 500
const longestWait = 20_000
/** A fallback in use for so long is given up at the next reconnect for the transport that was preferred. */
const fallbackLife = 300_000
/** A transport that has worked may fail so often before another is tried: it is the server that is away, not the way to it. */
const provenFailures = 4

interface Pending {
  command: Command
  repeat: boolean
  resolve(reply: Push): void
  reject(error: HalleyError): void
}

/** Events of a connection: its state, and each push of the server. */
export interface ConnectionEvents {
  state: { state: State; fault?: Fault; transport?: TransportName }
  push: Push
}

/** Keeps one session connected: over whichever transport works, across drops, sleep and a change of network. */
export class Connection extends Emitter<ConnectionEvents> {
  state: State = "idle"
  transport?: TransportName
  session?: string
  private resume?: string
  private link?: Transport
  private attempt = 0
  private preferred = 0
  private preferredAt = 0
  private proven = 0
  private waits = 0
  private staleToken = false
  private timer?: ReturnType<typeof setTimeout>
  private watch?: ReturnType<typeof setTimeout>
  private quiet = 35_000
  private heard = 0
  private reconnectIn?: number
  private pending = new Map<number, Pending>()
  private ref = 0

  constructor(
    private options: ConnectionOptions,
    private cursor: () => string,
  ) {
    super()
    if (typeof addEventListener === "function") this.followPage()
  }

  /** Begins to connect, unless it has begun. */
  open(): void {
    if (this.state === "idle" || this.state === "closed" || this.state === "failed") void this.connect()
  }

  /** Ends the session: it is not resumed any more. */
  close(): void {
    if (this.state === "connected") this.link?.send({ op: "close" })
    this.resume = undefined
    this.stop("closed")
  }

  /**
   * Sends a command and resolves with its answer. A command that may repeat (the server knows its id, or to do it twice is to do
   * it once) waits for a connection and is sent again on the next one when it was not answered; others fail when it drops.
   */
  request(command: Command, repeat = false): Promise<Push> {
    return new Promise((resolve, reject) => {
      if (this.state !== "connected" && (!repeat || this.pending.size >= 1000)) return reject(new HalleyError(unreachable))
      command.ref = ++this.ref
      this.pending.set(command.ref, { command, repeat, resolve, reject })
      if (this.state === "connected") this.link!.send(command)
    })
  }

  private async connect(): Promise<void> {
    clearTimeout(this.timer)
    this.become("connecting")
    const attempt = ++this.attempt
    let credential
    try {
      credential = await this.credential()
    } catch {
      if (attempt === this.attempt) this.wait()
      return
    }
    if (attempt !== this.attempt) return // closed, or begun anew, meanwhile
    this.heard = Date.now()
    this.watchFor(openTimeout)
    this.transport = this.options.transports[this.preferred]
    this.link = makers[this.transport](
      { base: this.options.url, credential, resume: this.resume, cursor: this.cursor },
      {
        received: (push) => attempt === this.attempt && this.received(push),
        closed: (fault) => attempt === this.attempt && this.dropped(fault),
      },
    )
  }

  private async credential(): Promise<{ key: string } | { token: string }> {
    const { key, token } = this.options
    if (token === undefined) return { key: key! }
    return { token: typeof token === "function" ? await token() : token }
  }

  private received(push: Push): void {
    this.heard = Date.now()
    if (push.ref && push.op !== "connected") return this.answered(push)
    if (push.op === "connected") this.connected(push)
    if (push.op === "expiring") void this.renew()
    if (push.op === "drain") this.reconnectIn = push.reconnect_in
    this.emit("push", push)
    if (push.op === "connected") this.resend()
  }

  private connected(push: Push): void {
    this.resume = push.resume
    this.session = push.session
    this.quiet = push.ping + push.timeout
    if (this.preferred === 0 || !this.preferredAt) this.preferredAt = Date.now()
    this.proven = provenFailures
    this.waits = 0
    this.staleToken = false
    this.reconnectIn = undefined
    this.watchFor(this.quiet)
    this.become("connected")
  }

  private resend(): void {
    for (const { command } of this.pending.values()) this.link?.send(command)
  }

  private answered(reply: Push): void {
    const pending = this.pending.get(reply.ref!)
    if (!pending) return
    this.pending.delete(reply.ref!)
    if (reply.op === "ok") pending.resolve(reply)
    else pending.reject(new HalleyError(reply.error))
  }

  private async renew(): Promise<void> {
    if (typeof this.options.token !== "function") return
    try {
      await this.request({ op: "token", token: await this.options.token() })
    } catch {
      // The server ends the connection when the old token ends; the next one fetches another.
    }
  }

  /** The connection is over. What comes next is said by the code of the fault: section 7 of the protocol. */
  private dropped(fault?: Fault): void {
    const opened = this.state === "connected"
    this.unlink()
    const code = fault?.code ?? 0
    if (code === 4009 && typeof this.options.token === "function" && !this.staleToken) {
      this.staleToken = true // the provider may have had it in a cache
      return this.wait(fault, 0)
    }
    if ((code >= 4000 && code < 4100) || (code >= 4300 && !fault!.retry_after)) return this.stop("failed", fault)
    if (opened) {
      this.prefer()
      if (this.reconnectIn !== undefined) return this.wait(fault, this.reconnectIn)
      return this.wait(fault, code >= 4100 && code < 4200 ? Math.max(1000, fault?.retry_after ?? 0) : fault?.retry_after)
    }
    if (code || this.proven-- > 0) return this.wait(fault, fault?.retry_after)
    this.preferredAt = 0
    this.preferred = (this.preferred + 1) % this.options.transports.length
    if (this.preferred) void this.connect()
    else this.wait()
  }

  /** After a long time on a fallback the first choice is tried again. */
  private prefer(): void {
    if (this.preferred && Date.now() - this.preferredAt > fallbackLife) {
      this.preferred = 0
      this.preferredAt = 0
    }
  }

  /** Reconnects after a wait drawn at random, so that clients that were dropped together do not come back together. */
  private wait(fault?: Fault, least?: number): void {
    const bound = Math.min(longestWait, firstWait * 2 ** this.waits++)
    this.become("waiting", fault)
    this.timer = setTimeout(() => void this.connect(), (least ?? 0) + Math.random() * bound)
  }

  private stop(state: "failed" | "closed", fault?: Fault): void {
    this.attempt++
    clearTimeout(this.timer)
    this.unlink()
    for (const { reject } of this.pending.values()) reject(new HalleyError(fault ?? unreachable))
    this.pending.clear()
    this.become(state, fault)
  }

  private unlink(): void {
    clearTimeout(this.watch)
    this.link?.close()
    this.link = undefined
    for (const [ref, { repeat, reject }] of this.pending) {
      if (repeat) continue
      this.pending.delete(ref)
      reject(new HalleyError(unreachable))
    }
  }

  private become(state: State, fault?: Fault): void {
    if (state === this.state && !fault) return
    this.state = state
    this.emit("state", { state, fault, transport: state === "connected" ? this.transport : undefined })
  }

  /** Gives up the connection when nothing has been heard for so long. */
  private watchFor(limit: number): void {
    clearTimeout(this.watch)
    const attempt = this.attempt
    this.watch = setTimeout(() => {
      if (attempt !== this.attempt) return
      const quiet = Date.now() - this.heard
      if (quiet < limit) return this.watchFor(limit)
      this.attempt++
      this.dropped()
    }, Math.max(250, limit - (Date.now() - this.heard)))
  }

  /** A page that wakes, comes back or finds the network again does not wait for a time-out. */
  private followPage(): void {
    addEventListener("online", () => this.wake())
    addEventListener("pageshow", (shown) => shown.persisted && this.wake())
    if (typeof document !== "undefined") {
      document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.wake())
    }
    addEventListener("pagehide", () => this.rest())
  }

  private wake(): void {
    if (this.state === "waiting") {
      this.waits = 0
      void this.connect()
    } else if (this.state === "connected") {
      this.heard = Math.min(this.heard, Date.now() - this.quiet + 5_000) // an answer is due within 5 s
      this.watchFor(this.quiet)
      this.link?.send({ op: "ping", ref: ++this.ref })
    }
  }

  /** A hidden page gives its connection back; the session stays, and a page that is shown again resumes it. */
  private rest(): void {
    if (this.state !== "connected" && this.state !== "connecting") return
    this.attempt++
    this.unlink()
    this.become("waiting")
  }
}
