// The ES module: import { Halley } from ".../halley.mjs"
import { Halley as Client, type Options } from "./halley"

/** A client of the server that this module came from, unless the options name another. */
export class Halley extends Client {
  constructor(options: Options) {
    super(options, new URL(import.meta.url).origin)
  }
}

export default Halley
export { type Options, type Events } from "./halley"
export { type Channel, type ChannelOptions, type ChannelEvents } from "./channel"
export { HalleyError, type Message, type Member, type PresenceEvent, type Gap, type Fault } from "./protocol"
