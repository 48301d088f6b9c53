import { unreachable, type Command, type Fault, type Push } from "./protocol"

/** What a transport needs to open a connection. */
export interface Opening {
  /** Where the API is, without a slash at the end: https://push.example.com */
  base: string
  /** The publishable key or the token. A token that was renewed takes its place. */
  credential: { key: string } | { token: string }
  /** The secret that resumes a session; absent for a new one. */
  resume?: string
  /** The positions to go on from; read anew whenever it is needed. */
  cursor: () => string
}

/** Who hears a transport. After closed() it hears nothing more of it. */
export interface Listener {
  /** Anything of the server: a push, or an answer (it has a ref). */
  received(push: Push): void
  /** The connection is over. Without a fault the network ended it. */
  closed(fault?: Fault): void
  /** Nothing is under way for a moment. Only a transport of one request after another says so. */
  between(): void
}

/** One connection: it begins when it is made and ends once, by close() or by itself. */
export interface Transport {
  send(command: Command): void
  /** Ends the connection and says nothing more to the listener. */
  close(): void
}

export type MakeTransport = (opening: Opening, listener: Listener) => Transport

/** No more than this is waited for whoever asks, in ms: nobody keeps a page for a month, and a timer has 31 bits. */
export const longestAsked = 600_000

/** The fault that an HTTP answer holds. That of something on the way holds none, unless it says when to come back. */
export async function faultOf(response: Response): Promise<Fault | undefined> {
  const fault: Fault | undefined = (await response.json().catch(() => undefined))?.error
  const wait = Math.min(longestAsked, Number(response.headers.get("Retry-After")) * 1000)
  if (typeof fault?.code !== "number") return wait > 0 ? { ...unreachable, retry_after: wait, foreign: true } : undefined
  if (wait > 0) fault.retry_after ??= wait
  return fault
}

/** The Authorization header of a credential. */
export function authorization(opening: Opening): Record<string, string> {
  return { Authorization: "Bearer " + Object.values(opening.credential)[0] }
}

/** The address of a stream or poll: its session and its positions. */
export function address(path: string, opening: Opening, resume: string | undefined, extra: Record<string, string>): string {
  const query = new URLSearchParams({ session: resume ?? "new", ...extra })
  const cursor = opening.cursor()
  if (cursor) query.set("cursor", cursor)
  return opening.base + path + "?" + query
}
