// Laravel Echo with its broadcaster for Reverb.
import { talk } from "../echo_talk.mjs"

export default (kit) => talk(kit, "reverb")
