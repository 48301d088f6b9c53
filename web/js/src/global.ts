// The script: <script src=".../halley.js"> makes the global Halley.
import { Halley as Client, type Options } from "./halley"

const script = document.currentScript as HTMLScriptElement | null
const home = new URL(script?.src || location.href).origin

;(globalThis as any).Halley = class Halley extends Client {
  constructor(options: Options) {
    super(options, home)
  }
}
