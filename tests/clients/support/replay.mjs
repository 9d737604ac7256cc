// SPDX-License-Identifier: MIT
// Sends the updates of a recorded trace, repeated [u32 little-endian length][update], one message each.
import { RawClient, update } from './raw-client.mjs'

/* What may wait in this process, so that a long trace does not pile up here. */
const MAX_BUFFERED_BYTES = 1 << 20

/** Returns the number of updates, all of which the server has then applied. */
export async function replay (t, server, room, trace) {
  const writer = await RawClient.join(t, server, room)
  let count = 0
  for (let at = 0; at < trace.length; count++) {
    const length = trace.readUInt32LE(at)
    writer.send(update(trace.subarray(at + 4, at + 4 + length)))
    at += 4 + length
    if (writer.socket.bufferedAmount > MAX_BUFFERED_BYTES) await writer.fence()
  }
  await writer.fence()
  writer.socket.close()
  await writer.closed
  return count
}
