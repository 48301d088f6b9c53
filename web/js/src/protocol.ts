// What goes over the wire: web/docs/protocol.md.

/** A message as subscribers get it. */
export interface Message {
  channel: string
  event: string
  data: any
  id: string
  epoch: string
  offset: number
  /** Unix time in milliseconds at which the server accepted it. */
  timestamp: number
  /** The client id of who published it, where its token had one. */
  client_id?: string
}

/** A member of a channel's presence. */
export interface Member {
  client_id: string
  session: string
  data?: any
}

/** A change of presence; `sync` brings the whole set in `members`. */
export interface PresenceEvent {
  channel: string
  action: "enter" | "update" | "leave" | "sync"
  member?: Member
  members?: Member[]
  version: number
}

/** Messages are missing; the stream goes on after epoch:offset. */
export interface Gap {
  channel: string
  reason: string
  from?: number
  to?: number
  epoch: string
  offset: number
}

/** An error of the server's table: https://…/docs/errors. */
export interface Fault {
  code: number
  name: string
  message: string
  docs?: string
  /** Milliseconds after which it may be tried again. */
  retry_after?: number
  /** @internal Something on the way said it, not Halley. */
  foreign?: true
}

export type Command = { op: string; ref?: number; [field: string]: unknown }
export type Push = { op: string; ref?: number; [field: string]: any }

/** What a refused command rejects with. */
export class HalleyError extends Error {
  readonly code: number
  readonly docs?: string
  /** Milliseconds after which it may be tried again; undefined where waiting does not help. */
  readonly retryAfter?: number
  /** The channel that it is about, if it is about one. */
  channel?: string

  constructor(fault: Fault) {
    super(fault.message)
    this.name = fault.name
    this.code = fault.code
    this.docs = fault.docs
    this.retryAfter = fault.retry_after
  }
}

/** The fault of a client that finds no server, or none that speaks to it. */
export const unreachable: Fault = { code: 4101, name: "unavailable", message: "the server cannot be reached" }

/** The fault of what is asked of a client that was closed. */
export const closed: Fault = { code: 4016, name: "disconnected", message: "the client is closed: connect() opens it again" }

/** The fault of a command that the server would not read. */
export const tooLarge: Fault = { code: 4319, name: "message_too_large", message: "the message is larger than the app allows" }

/** The fault of a command that finds too many others waiting. */
export const tooMany: Fault = { code: 4324, name: "queue_full", message: "too many commands wait for an answer" }
