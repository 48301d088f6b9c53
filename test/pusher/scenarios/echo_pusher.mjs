// Laravel Echo with its broadcaster for Pusher.
import { talk } from "../echo_talk.mjs"

export default (kit) => talk(kit, "pusher")
