import type { Command, Fault } from "./protocol"
import type { Listener, Opening, Transport } from "./transport"

/** WebSocket: the credential goes in the first frame, so that it stands in no URL. */
export function openWebSocket(opening: Opening, listener: Listener): Transport {
  const socket = new WebSocket(opening.base.replace(/^http/, "ws") + "/v1/ws")
  let fault: Fault | undefined
  let over = false

  const send = (command: Command) => {
    if (socket.readyState === 1) socket.send(JSON.stringify(command))
  }
  socket.onopen = () => {
    const connect: Command = { op: "connect", ...opening.credential }
    if (opening.resume) connect.session = opening.resume
    const cursor = opening.cursor()
    if (cursor) connect.cursor = cursor
    send(connect)
  }
  socket.onmessage = (frame) => {
    if (over) return
    const push = JSON.parse(frame.data)
    if (push.op === "error" && !push.ref) fault = push.error
    listener.received(push)
  }
  socket.onclose = (close) => {
    if (over) return
    over = true
    if (close.code >= 4000 && close.code < 4300 && fault?.code !== close.code) {
      fault = { code: close.code, name: close.reason || "closed", message: close.reason }
    }
    listener.closed(fault)
  }
  return {
    send,
    close() {
      over = true
      socket.close()
    },
  }
}
