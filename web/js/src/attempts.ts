import { openPoll } from "./poll"
import type { Fault } from "./protocol"
import { openEvents } from "./sse"
import { longestAsked, type MakeTransport } from "./transport"
import { openWebSocket } from "./websocket"

export type TransportName = "websocket" | "sse" | "poll"

/** All transports, in the order in which they are tried where the options do not say. */
export const makers: Record<TransportName, MakeTransport> = { websocket: openWebSocket, sse: openEvents, poll: openPoll }

/** How long a transport may take until the server has said `connected`; a proxy that swallows a stream is found out so. */
const openTimeout = 6_000
/** Each wait before an attempt adds as much, up to this: a slow network is no proxy. */
const longestOpen = 30_000
/** The first and the longest wait before a reconnect, in ms; each wait is drawn from 0 to the bound, which doubles. */
const firstWait = 500
const longestWait = 20_000
/** The least wait before coming back to a server that asked its clients to back off and did not say for how long. */
const backOff = 1_000
/** A connection that lived so long was a good one: the next wait is short again. */
const goodLife = 1_000
/** A fallback in use for so long is given up for the first choice. Each time in vain doubles that, up to the second. */
const fallbackLife = 300_000
const longestFallback = 3_600_000
/** A transport that has worked may fail so often before another is tried: it is the server that is away, not the way to it. */
const provenFailures = 4

/** Which transport the next attempt to connect takes, and when it is made. */
export class Attempts {
  /** How long the server that goes away wants its clients to wait, in ms. */
  reconnectIn?: number
  private preferred = 0
  private preferredAt = 0
  private patience = fallbackLife
  private proven = 0
  private waits = 0
  private notBefore = 0
  /** What something on the way said in this round, with the longest wait that was asked for. */
  private told?: Fault

  constructor(private transports: TransportName[]) {}

  /** The transport of the next attempt. */
  get transport(): TransportName {
    return this.transports[this.preferred]
  }

  /** How long the next attempt may take, in ms. */
  get limit(): number {
    return Math.min(longestOpen, openTimeout * (1 + this.waits))
  }

  /** How long the server still wants not to be asked, in ms. Whoever asks for it begins with short waits again. */
  awaken(): number {
    this.waits = 0
    return Math.max(0, this.notBefore - Date.now())
  }

  /** An attempt succeeded. */
  succeeded(): void {
    if (!this.preferred) this.patience = fallbackLife
    if (!this.preferred || !this.preferredAt) this.preferredAt = Date.now()
    this.proven = provenFailures
    this.told = undefined
  }

  /** A connection that an attempt brought is over, after so many ms. */
  ended(life: number): void {
    if (life > goodLife) this.waits = 0
    this.improve()
  }

  /** An attempt failed, by no word of the server. Reports whether the next is made at once, with another transport. */
  failed(fault?: Fault): boolean {
    if (fault && fault.retry_after! > (this.told?.retry_after ?? 0)) this.told = fault
    if (this.proven-- > 0) return false
    this.preferredAt = 0
    this.preferred = (this.preferred + 1) % this.transports.length
    return this.preferred > 0
  }

  /** After a long time on a fallback the first choice is tried again. Reports whether it is to be. */
  improve(): boolean {
    if (!this.preferred || Date.now() - this.preferredAt <= this.patience) return false
    this.patience = Math.min(longestFallback, this.patience * 2)
    this.preferred = this.preferredAt = this.proven = this.waits = 0 // what has proven itself is the fallback
    return true
  }

  /**
   * What the next attempt waits for: what was asked for and a time drawn at random, so that clients that were dropped together do
   * not come back together.
   */
  wait(fault = this.told): { fault?: Fault; delay: number } {
    const backsOff = fault && fault.code >= 4100 && fault.code < 4200
    const least = Math.min(longestAsked, this.reconnectIn ?? fault?.retry_after ?? (backsOff ? backOff : 0))
    const bound = Math.min(longestWait, firstWait * 2 ** this.waits++)
    this.reconnectIn = this.told = undefined
    this.notBefore = Date.now() + least
    return { fault, delay: least + Math.random() * bound }
  }
}
