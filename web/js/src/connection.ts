import { Attempts, makers, type TransportName } from "./attempts"
import { endSession } from "./commands"
import { Emitter } from "./emitter"
import { closed, HalleyError, tooLarge, tooMany, unreachable, type Command, type Fault, type Push } from "./protocol"
import type { Opening, Transport } from "./transport"

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

/** How long a token provider may take. */
const tokenTimeout = 30_000
/** With less left than this, in ms, a token is not renewed in place any more. */
const leastRenewal = 500
/** A page that wakes wants a sign of life within this. */
const wakeTimeout = 5_000
/** A session that another connection took is taken back once in so many ms: that may have been a late request of our own. */
const takeBackAgain = 60_000
/** Commands that may wait for an answer. */
const mostPending = 1_000
/** What a command may have beside its message, in bytes: section 8 of the protocol. */
const envelope = 4_096

interface Pending {
  command: Command
  repeat: boolean
  resolve(answer: Omit<Push, "op" | "ref">): void
  reject(error: HalleyError): void
}

/** A new state of a connection. */
export interface StateChange {
  state: State
  /** Why it waits, or has failed, where the server said why. */
  fault?: Fault
  /** Of a connection that stands. */
  transport?: TransportName
  /** How long it waits before the next attempt, in ms, unless something wakes it. */
  delay?: number
}

/** Events of a connection: its state, and each push of the server. */
export interface ConnectionEvents {
  state: StateChange
  push: Push
}

/** Keeps one session connected: over whichever transport works, across drops, sleep and a change of network. */
export class Connection extends Emitter<ConnectionEvents> {
  state: State = "idle"
  transport?: TransportName
  session?: string
  private resume?: string
  private opening?: Opening
  private link?: Transport
  /** Counts connections; what belongs to an earlier one has nothing to say any more. */
  private attempt = 0
  private attempts: Attempts
  private staleToken = false
  private tookBack = -takeBackAgain
  private fault = closed
  private timer?: ReturnType<typeof setTimeout>
  private watch?: ReturnType<typeof setTimeout>
  private renewal?: ReturnType<typeof setTimeout>
  /** When the token ends that is to be renewed. */
  private expires?: number
  private quiet = 35_000
  private silence = 25_000
  private room = 0
  private heard = 0
  private openedAt = 0
  private pending = new Map<number, Pending>()
  private ref = 0

  constructor(
    private options: ConnectionOptions,
    private cursor: () => string,
  ) {
    super()
    this.attempts = new Attempts(options.transports)
    if (typeof addEventListener === "function") this.followPage()
  }

  /** Begins to connect, unless it has begun, or has ended. */
  open(): void {
    if (this.state === "idle") void this.connect()
  }

  /** Connects now: after an end as well, and without waiting any longer than the server wants. */
  reopen(): void {
    if (this.state === "closed" || this.state === "failed") void this.connect()
    this.open()
    this.wake()
  }

  /** Ends the session: it is not resumed any more. */
  close(): void {
    this.end()
    this.stop("closed", closed)
  }

  /**
   * Sends a command and resolves with its answer. A command that may repeat (the server knows its id, or to do it twice is to do
   * it once) waits for a connection and is sent again on the next one when it was not answered; others fail when it drops.
   */
  request(command: Command, repeat = false): Promise<Push> {
    return new Promise((resolve, reject) => {
      const refuse = (fault: Fault) => reject(new HalleyError(fault))
      if (this.state === "closed" || this.state === "failed") return refuse(this.fault)
      if (this.state !== "connected" && !repeat) return refuse(unreachable)
      if (this.pending.size >= mostPending) return refuse(tooMany)
      command.ref = ++this.ref
      const pending = { command, repeat, resolve, reject }
      this.pending.set(command.ref, pending)
      if (this.state === "connected") this.send(pending)
    })
  }

  private send({ command, reject }: Pending): void {
    const text = JSON.stringify(command)
    // A character has at most three bytes in UTF-8. Most messages are so small that counting can be spared.
    if (text.length * 3 > this.room && new TextEncoder().encode(text).length > this.room) {
      this.pending.delete(command.ref!)
      reject(new HalleyError(tooLarge))
    } else {
      this.link?.send(command)
    }
  }

  private async connect(): Promise<void> {
    clearTimeout(this.timer)
    const attempt = ++this.attempt
    const current = () => attempt === this.attempt // else it was closed, or begun anew, meanwhile
    this.become("connecting")
    let credential
    try {
      credential = await this.credential()
    } catch (thrown) {
      if (current()) this.wait({ ...unreachable, message: "no token: " + thrown })
      return
    }
    if (!current()) return
    this.heard = Date.now()
    this.watchFor(this.attempts.limit)
    this.transport = this.attempts.transport
    this.opening = { base: this.options.url, credential, resume: this.resume, cursor: this.cursor }
    try {
      this.link = makers[this.transport](this.opening, {
        received: (push) => current() && this.received(push),
        closed: (fault) => current() && this.dropped(fault),
        between: () => current() && this.between(),
      })
    } catch {
      this.dropped() // the page may not open such a connection at all
    }
  }

  private async credential(): Promise<Opening["credential"]> {
    const { key, token } = this.options
    if (token === undefined) return { key: key! }
    if (typeof token === "string") return { token }
    const late = new Promise<never>((_, reject) => setTimeout(reject, tokenTimeout, "the provider took too long"))
    const fetched = await Promise.race([token(), late])
    if (typeof fetched !== "string" || !fetched) throw "the provider gave no text"
    return { token: fetched }
  }

  private received(push: Push): void {
    // An answer to what was posted says nothing about the stream beside it.
    if (!push.ref || this.transport === "websocket") this.heard = Date.now()
    if (push.op === "connected") return this.connected(push)
    if (push.ref) return this.answered(push)
    if (push.op === "expiring") this.expiring(push)
    if (push.op === "drain") this.attempts.reconnectIn = push.reconnect_in
    this.emit("push", push)
  }

  private connected(push: Push): void {
    this.resume = push.resume
    this.session = push.session
    this.silence = push.ping
    this.quiet = push.ping + push.timeout
    this.room = push.limits.message_bytes + envelope
    this.attempts.succeeded()
    this.openedAt = Date.now()
    this.staleToken = false
    this.watchFor(this.quiet)
    const unanswered = [...this.pending.values()]
    this.state = "connected"
    this.emit("push", push) // channels subscribe first, so that they hear what is published next
    for (const pending of unanswered) this.send(pending)
    if (this.link) this.tell()
  }

  private answered(reply: Push): void {
    const pending = this.pending.get(reply.ref!)
    if (!pending) return
    this.pending.delete(reply.ref!)
    const { op, ref, ...answer } = reply
    if (op === "ok") pending.resolve(answer)
    else pending.reject(new HalleyError(reply.error))
  }

  /**
   * Renews the token in place, within the second quarter of the time that is left: so not all clients come together, and tokens
   * that live for less than the warning are not fetched one after another. What fails is tried again in the time that is left.
   */
  private renew(left: number): void {
    const { attempt, opening } = this
    const end = Date.now() + left
    clearTimeout(this.renewal)
    const renewal = (this.renewal = setTimeout(
      async () => {
        try {
          const credential = await this.credential()
          if (attempt !== this.attempt) return
          await this.request({ op: "token", ...credential })
          opening!.credential = credential // a transport without a socket shows it with each request
        } catch {
          // Too late, the server ends the connection, and the next one fetches another token.
          if (renewal === this.renewal && end - Date.now() > leastRenewal) this.renew(end - Date.now())
        }
      },
      left * (0.25 + Math.random() * 0.25),
    ))
  }

  /** The server warns once a connection, a polling session once for each token; of one token a second warning says nothing. */
  private expiring({ expires, in: left }: Push): void {
    if (typeof this.options.token !== "function" || expires === this.expires) return
    this.expires = expires
    this.renew(left)
  }

  /** The connection is over. What comes next is said by the code of the fault: section 7 of the protocol. */
  private dropped(fault?: Fault): void {
    const opened = this.state === "connected"
    if (opened) this.attempts.ended(Date.now() - this.openedAt)
    this.unlink()
    const code = fault?.code ?? 0
    if (code === 4009 && typeof this.options.token === "function" && !this.staleToken) {
      this.staleToken = true // the provider may have had it in a cache
      return this.wait(fault)
    }
    if (code === 4015 && Date.now() - this.tookBack >= takeBackAgain) {
      this.tookBack = Date.now()
      return this.wait(fault)
    }
    if (this.isFinal(fault)) return this.stop("failed", fault!)
    if (opened || (fault && !fault.foreign)) this.wait(fault)
    else if (this.attempts.failed(fault)) void this.connect()
    else this.wait()
  }

  /** Whether to come back would fail again. A handshake that took too long (4012) would not. */
  private isFinal(fault?: Fault): boolean {
    if (!fault || fault.code === 4012) return false
    if (fault.code === 4210) return typeof this.options.token !== "function" // the token has expired, and there is no other
    return fault.code < 4100 || (fault.code >= 4300 && !fault.retry_after)
  }

  private wait(reason?: Fault): void {
    const { fault, delay } = this.attempts.wait(reason)
    this.timer = setTimeout(() => void this.connect(), delay)
    this.become("waiting", fault, delay)
  }

  /** Between two polls, while nothing waits for an answer, a better transport can be tried at no loss. */
  private between(): void {
    if (this.pending.size || !this.attempts.improve()) return
    this.unlink()
    void this.connect()
  }

  private stop(state: "failed" | "closed", fault: Fault): void {
    this.attempt++
    this.fault = fault
    clearTimeout(this.timer)
    this.unlink()
    for (const { reject } of this.pending.values()) reject(new HalleyError(fault))
    this.pending.clear()
    this.become(state, state === "failed" ? fault : undefined)
  }

  /** Tells the server that the session is not resumed. */
  private end(): void {
    if (this.state === "connected") this.link!.send({ op: "close" })
    else if (this.resume) endSession(this.opening!, this.resume)
    this.resume = undefined
  }

  private unlink(): void {
    clearTimeout(this.watch)
    clearTimeout(this.renewal)
    this.renewal = this.expires = undefined
    this.link?.close()
    this.link = undefined
    for (const [ref, { repeat, reject }] of this.pending) {
      if (repeat) continue
      this.pending.delete(ref)
      reject(new HalleyError(unreachable))
    }
  }

  private become(state: State, fault?: Fault, delay?: number): void {
    if (state === this.state && !fault) return
    this.state = state
    this.tell(fault, delay)
  }

  private tell(fault?: Fault, delay?: number): void {
    const { state } = this
    this.emit("state", { state, fault, delay, transport: state === "connected" ? this.transport : undefined })
  }

  /** Gives up the connection when nothing has been heard for so long. */
  private watchFor(limit: number): void {
    clearTimeout(this.watch)
    const attempt = this.attempt
    this.watch = setTimeout(
      () => {
        if (attempt !== this.attempt) return
        if (Date.now() - this.heard < limit) return this.watchFor(limit)
        this.attempt++
        this.dropped()
      },
      Math.max(250, limit - (Date.now() - this.heard)),
    )
  }

  /** A page that wakes, comes back or finds the network again does not wait for a time-out. */
  private followPage(): void {
    addEventListener("online", () => this.wake(true))
    addEventListener("pageshow", () => this.state === "waiting" && this.wake())
    addEventListener("pagehide", (hidden) => this.rest(!hidden.persisted))
    if (typeof document === "undefined") return
    document.addEventListener("resume", () => this.wake())
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.wake())
  }

  /** Makes sure that the connection lives. moved says that the network is another one. */
  private wake(moved = false): void {
    if (this.state === "waiting") {
      clearTimeout(this.timer)
      this.timer = setTimeout(() => void this.connect(), this.attempts.awaken())
    } else if (this.state === "connected" && this.transport === "websocket") {
      this.heard = Math.min(this.heard, Date.now() - this.quiet + wakeTimeout)
      this.watchFor(this.quiet)
      this.link!.send({ op: "ping", ref: ++this.ref })
    } else if (this.state === "connected" && (moved || Date.now() - this.heard > this.silence)) {
      this.unlink() // nobody can be asked over a stream whether it lives: it is opened again
      void this.connect()
    }
  }

  /** A hidden page gives its connection back. One that may be shown again resumes the session then; else the session ends. */
  private rest(forever: boolean): void {
    if (this.state !== "connected" && this.state !== "connecting" && this.state !== "waiting") return
    if (forever) this.end()
    this.attempt++
    clearTimeout(this.timer)
    this.unlink()
    this.become("waiting")
  }
}
