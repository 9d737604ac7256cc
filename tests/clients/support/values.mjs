// SPDX-License-Identifier: MIT
// What random edits put into documents of any version of Yjs.

export const keys = ['a', 'b', 'c', 'key with é']
export const formats = [
  { bold: true }, { bold: null }, { italic: true }, { link: 'https://example.org/ü' }, { link: null }
]

export function randomValue (random) {
  return random.pick([
    () => random.below(1000),
    () => -random.below(2 ** 30),
    () => random.below(2 ** 20) / 7,
    () => random.word(),
    () => null,
    () => undefined,
    () => random.below(2) === 1,
    () => ({ big: BigInt(random.below(2 ** 30)) * 2n ** 30n }),
    () => ({ word: random.word(), list: [1, [random.word()], {}] }),
    () => [random.below(10), null, random.word()],
    () => Uint8Array.from({ length: random.below(20) }, () => random.below(256))
  ])()
}

/** Now and then so long that places inside of it are marked (src/doc/span.h). */
export function longText (random) {
  return random.word().repeat(random.below(20) === 0 ? 1000 : 40)
}
