// SPDX-License-Identifier: MIT
// Random numbers that a seed repeats (mulberry32). A failing test is run again with YSYNC_SEED=... in the environment.

export function seedFor (t) {
  const seed = Number(process.env.YSYNC_SEED ?? Math.floor(Math.random() * 2 ** 32))
  t.diagnostic(`YSYNC_SEED=${seed}`)
  return seed
}

const letters = Array.from('etaoinshrdlu é€😀')

export class Random {
  constructor (seed) {
    this.state = seed >>> 0
  }

  /** From 0 up to, and not including, `end`. */
  below (end) {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let n = this.state
    n = Math.imul(n ^ (n >>> 15), n | 1)
    n ^= n + Math.imul(n ^ (n >>> 7), n | 61)
    return Math.floor(((n ^ (n >>> 14)) >>> 0) / 2 ** 32 * end)
  }

  pick (items) {
    return items[this.below(items.length)]
  }

  letter () {
    return this.pick(letters)
  }

  word () {
    return Array.from({ length: 1 + this.below(8) }, () => this.letter()).join('')
  }
}
