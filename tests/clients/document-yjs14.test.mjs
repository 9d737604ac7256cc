// SPDX-License-Identifier: MIT
// The document against Yjs 14, as far as it is released (support/play.mjs). What differs from Yjs 13, and what not:
//
//  - Its version 1 updates hold what those of Yjs 13 hold: the same kinds of content, type references and info bits. It
//    writes fewer: types are XML elements (3) if they have a name and XML fragments (4) if not, embedded and binary
//    values of a sequence are Any. Client ids take up to 53 bits.
//  - It takes in what stands behind a gap in a client's clocks. Such a document is sent as Yjs 13 sends what is
//    pending, with a Skip for the gap, be it at the beginning; its state vector ends at the gap, as ours does.
//  - What it shows of structs behind a gap depends on the way in which it heard of them. So while something is missing
//    the relay is compared with Yjs 13, and in the end, when nothing is, with Yjs 14.
//  - Clients of both versions share a room, as far as they make sense of each other's types: to Yjs 13 a type from
//    Yjs 14 is XML, whatever it holds.
import { test } from 'node:test'

import { yjs14 } from './support/history-yjs14.mjs'
import { yjs13 } from './support/history.mjs'
import { playRooms, roundsOr } from './support/play.mjs'

const { rounds, timeout } = roundsOr(60)

test('random histories end as they end in Yjs 14', { timeout }, t => playRooms(t, [yjs14], rounds))

test('clients of Yjs 13 and 14 share a room', { timeout }, t => playRooms(t, [yjs13, yjs14], rounds))
