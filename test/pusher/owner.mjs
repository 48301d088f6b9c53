// The server of an app's owner, by pusher-http-node. Answers are what the library's callers see, as plain JSON.

import Pusher from "pusher"

export function newOwner({ nodes, app }) {
  const servers = nodes.map(({ host, port }) => new Pusher({ appId: app.app_id, key: app.key, secret: app.secret, host, port, useTLS: false, encryptionMasterKeyBase64 }))
  const read = async (answer) => ({ status: answer.status, body: JSON.parse(await answer.text()) })
  let turn = 0
  const on = ({ node = turn++ } = {}) => servers[node % servers.length] // each call goes to another node, unless it is said which
  return {
    authorizeChannel: async (socketID, channel, member) => servers[0].authorizeChannel(socketID, channel, member),
    authenticateUser: async (socketID, user) => servers[0].authenticateUser(socketID, user),
    trigger: (channels, event, data, { node, ...params } = {}) => on({ node }).trigger(channels, event, data, params).then(read),
    batch: (events, where) => on(where).triggerBatch(events).then(read),
    get: (path, params, where) => on(where).get({ path, params }).then(read),
    post: (path, body, where) => on(where).post({ path, body }).then(read),
    sendToUser: (user, event, data, where) => on(where).sendToUser(user, event, data).then(read),
    terminate: (user, where) => on(where).terminateUserConnections(user).then(read),
    webhook: async (request) => {
      const hook = servers[0].webhook(request)
      return { valid: hook.isValid(), events: hook.isValid() ? hook.getEvents() : [], time: hook.isValid() ? hook.getTime().getTime() : 0 }
    },
  }
}

// The key of encrypted channels is the owner's alone: the server never sees it.
const encryptionMasterKeyBase64 = Buffer.alloc(32, "halley").toString("base64")
