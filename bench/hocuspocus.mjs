// SPDX-License-Identifier: MIT
// Hocuspocus as its manual starts it, on a free port, which it says: node hocuspocus.mjs [DATABASE]. Documents are kept by
// its SQLite extension, if a database is named.
import { Server } from '@hocuspocus/server'

/** The extension, with its schema and statements, opens its database by better-sqlite3, which has to be compiled for the
 * Node that runs it; the SQLite in Node itself has the same calls, and syncs at the same places. */
async function keepIn (database) {
  const { SQLite } = await import('@hocuspocus/extension-sqlite')
  const { DatabaseSync } = await import('node:sqlite')

  return new class extends SQLite {
    async onConfigure () {
      this.db = new DatabaseSync(database)
      this.db.exec(this.configuration.schema)
    }
  }({ database })
}

const [database] = process.argv.slice(2)
const extensions = database ? [await keepIn(database)] : []
const server = new Server({ address: '127.0.0.1', port: 0, quiet: true, extensions })

await server.listen()
console.log(`listening on port ${server.address.port}`)
