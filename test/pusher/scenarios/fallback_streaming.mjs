import { talk } from "../fallback_talk.mjs"

// pusher-js without a WebSocket, by requests that stream.
export default (kit) => talk(kit, "xhr_streaming")
