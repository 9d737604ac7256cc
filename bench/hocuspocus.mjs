// SPDX-License-Identifier: MIT
// Hocuspocus as its manual starts it, on a free port, which it says.
import { Server } from '@hocuspocus/server'

const server = new Server({ address: '127.0.0.1', port: 0, quiet: true })

await server.listen()
console.log(`listening on port ${server.address.port}`)
