// SPDX-License-Identifier: MIT
// Good bytes made bad, or at least different: bytes changed, put in, left out; the end cut off; a piece said twice; a
// number where none belongs, as large as numbers get.

const largeNumbers = [
  [0xff, 0xff, 0xff, 0xff, 0x0f], /* 2^32 - 1 */
  [0x80, 0x80, 0x80, 0x80, 0x10], /* 2^32 */
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], /* 2^53 - 1 */
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10], /* 2^53 */
  Array(11).fill(0xff) /* has no end */
]

function insert (bytes, at, piece) {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
}

/** One to three changes of at least one byte. */
export function mutate (random, bytes) {
  let mutant = Buffer.from(bytes)
  for (let changes = 1 + random.below(3); changes > 0 && mutant.length > 0; changes--) {
    const at = random.below(mutant.length)
    const flipBit = () => mutant[at] ^ (1 << random.below(8))
    const byte = random.pick([() => random.below(256), () => random.below(16), flipBit])
    const change = () => { mutant[at] = byte(); return mutant }
    mutant = random.pick([
      change,
      change,
      change,
      () => insert(mutant, at, Buffer.of(byte())),
      () => Buffer.concat([mutant.subarray(0, at), mutant.subarray(at + 1)]),
      () => random.below(4) > 0 ? change() : mutant.subarray(0, at),
      () => random.below(4) > 0 ? change() : insert(mutant, at, mutant.subarray(at, at + 1 + random.below(8))),
      () => random.below(4) > 0 ? change() : insert(mutant, at, Buffer.from(random.pick(largeNumbers)))
    ])()
  }
  return mutant
}
