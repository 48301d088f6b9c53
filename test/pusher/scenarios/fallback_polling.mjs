import { talk } from "../fallback_talk.mjs"

// pusher-js without a WebSocket, by requests that are answered when there is something.
export default (kit) => talk(kit, "xhr_polling")
