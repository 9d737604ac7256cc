// SPDX-License-Identifier: MIT
// How many clocks, which are characters here, has a peer kept? node stored.mjs leveldb FOLDER | sqlite FILE
import * as Y from 'yjs'

const clocksOf = clocks => [...clocks.values()].reduce((sum, clock) => sum + clock, 0)

const kinds = {
  async leveldb (folder) {
    const { LeveldbPersistence } = await import('y-leveldb')
    const database = new LeveldbPersistence(folder)
    let clocks = 0

    for (const name of await database.getAllDocNames()) {
      clocks += clocksOf(Y.decodeStateVector(Y.encodeStateVector(await database.getYDoc(name))))
    }
    return clocks
  },

  async sqlite (file) {
    const { DatabaseSync } = await import('node:sqlite')
    const rows = new DatabaseSync(file).prepare('SELECT data FROM documents').all()

    return rows.reduce((sum, { data }) => sum + clocksOf(Y.decodeStateVector(Y.encodeStateVectorFromUpdate(data))), 0)
  }
}

const [kind, path] = process.argv.slice(2)
console.log(await kinds[kind](path))
process.exit()
