// SPDX-License-Identifier: MIT
// Who may come in, decided by your application: `node verify-endpoint.mjs 8080`, and then
// `ysync serve --verify-url http://127.0.0.1:8080/`. Ada may write everywhere, Bob in his team's rooms alone.
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

const rights = new Map([
  ['ada-secret', () => 'write'],
  ['bob-secret', room => room?.startsWith('team/') ? 'write' : 'read']
])

const server = createServer(async (request, response) => {
  const { token, room } = await json(request)
  const access = rights.get(token)?.(room)
  response.writeHead(access ? 200 : 403, { 'Cache-Control': 'max-age=5' })
  response.end(access && JSON.stringify({ access }))
})
server.listen(process.argv[2], '127.0.0.1', () => console.log(`deciding at http://127.0.0.1:${server.address().port}/`))
