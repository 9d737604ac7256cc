// SPDX-License-Identifier: MIT
// Waits for a condition by looking again at each event that can bring it about; nothing here sleeps.

/**
 * @param {string} what said when it does not come
 * @param {() => boolean} holds
 * @param {Array<[{on: Function, off: Function}, string]>} sources
 */
export function until (what, holds, sources, patienceMs = 20000) {
  return new Promise((resolve, reject) => {
    const finish = settle => {
      clearTimeout(timer)
      for (const [emitter, event] of sources) emitter.off(event, look)
      settle()
    }
    const look = () => { if (holds()) finish(resolve) }
    const timer = setTimeout(() => finish(() => reject(new Error(`${what}: not within ${patienceMs} ms`))), patienceMs)
    for (const [emitter, event] of sources) emitter.on(event, look)
    look()
  })
}
